"""The table: for each format what checks its names, frame of reference, units, colours, times and unknown poses.

A cell is a check, or the reason why the format has nothing to check there. A new format needs a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from tests.export.table import cameras, clouds, pages, splats, trajectories
from tests.export.table.exported import Exported, check_units

Cell = Callable[[Exported], None] | str


@dataclass(frozen=True)
class Row:
    """The cells of a format, and the options with which it is exported."""

    names: Cell
    frame: Cell
    units: Cell
    colours: Cell
    times: Cell
    unknown: Cell
    options: Mapping[str, Any] | None = None
    needs_place: bool = False  # whether the run must be located

    def cells(self) -> dict[str, Cell]:
        """By topic."""
        return {each.name: getattr(self, each.name) for each in fields(self)[:6]}


NO_PICTURES = "no pictures in it"
NO_TIMES = "no times in it"
NO_COLOURS = "no colours in it"
POINTS = "points have no times"


def cloud(read: Callable[..., clouds.Cloud], **more: Any) -> Row:
    """Of a format that holds the merged cloud."""
    given = {"units": check_units, "colours": clouds.check_colours(read), **more}
    return Row(
        names=NO_PICTURES,
        frame=clouds.check_frame(read),
        times=POINTS,
        unknown=clouds.check_nothing_unknown(read),
        **given,
    )


def trajectory(**more: Any) -> Row:
    """Of a format of poses alone."""
    given = {"units": check_units, **more}
    return Row(
        frame=trajectories.check_poses,
        colours=NO_COLOURS,
        **{"times": trajectories.check_times, "names": "rows are told by their times", **given},
        unknown=trajectories.check_unknown,
    )


def path_on_earth() -> Row:
    """Of a format of places on the Earth."""
    return Row(
        names="places are told by their times",
        frame=trajectories.check_places,
        units=trajectories.check_heights,
        colours=NO_COLOURS,
        times="no time of day without start_time: tests/export/trajectory/test_geo_files.py",
        unknown=trajectories.check_places,
        needs_place=True,
    )


def mesh(read: Callable[..., clouds.Cloud], encoding: str, colours: Cell) -> Row:
    """Of the surface in one of its encodings; it is as exact as its voxels."""
    return Row(
        names=NO_PICTURES,
        frame=clouds.check_frame(read, slack=100.0, many=300),
        units=check_units,
        colours=colours,
        times=POINTS,
        unknown=clouds.check_nothing_unknown(read),
        options={"encoding": encoding, "voxel": 0.02, "min_triangles": 10, "min_views": 2},
    )


def film(tests: str) -> Row:
    """Of a flight, which shows no frame of the run; checked by its own tests."""
    return Row(
        names="pictures of no frame",
        frame="pictures alone, in no frame of reference",
        units=f"the legend of the colours: tests/export/video/{tests}",
        colours=f"what is drawn: tests/export/video/{tests}",
        times=f"a steady rate: tests/export/video/{tests}",
        unknown="cameras without a pose are left out of the path: tests/camera_paths/test_paths.py",
    )


def gltf_mesh(path: Any) -> clouds.Cloud:
    """Vertices of the mesh in a GLB."""
    return clouds.by_gltf(path, "mesh")


TABLE: dict[str, Row] = {
    "tum": trajectory(),
    "kitti": trajectory(names=trajectories.check_unknown, times="rows are told by trajectory.kitti.rows"),
    "euroc": trajectory(units=trajectories.check_euroc_units),
    "geojson": path_on_earth(),
    "kml": path_on_earth(),
    "gpx": path_on_earth(),
    "ply": cloud(clouds.by_open3d),
    "pcd": cloud(clouds.by_open3d),
    "e57": cloud(clouds.by_pye57),
    "las": cloud(clouds.by_laspy, units=clouds.check_las_crs),
    "las 1.2": replace(cloud(clouds.by_laspy, units=clouds.check_las_crs), options={"version": 1.2}),
    "laz": cloud(clouds.by_laspy, units=clouds.check_las_crs),
    "copc": cloud(clouds.by_copc, units=clouds.check_las_crs),
    "3dtiles": replace(cloud(clouds.by_tiles3d), frame=clouds.check_on_earth, needs_place=True),
    "tiles": cloud(clouds.by_laspy_tiles, units=clouds.check_las_crs),
    "glb": Row(
        names=cameras.check_gltf_names,
        frame=cameras.check_gltf_scene,
        units=check_units,
        colours=clouds.check_unlit("points"),
        times=cameras.check_gltf_animation,
        unknown=cameras.check_gltf_unknown,
    ),
    "gs_ply": cloud(splats.by_trimesh_tiles),
    "spz": cloud(splats.by_spz_tiles),
    "page": Row(
        names=pages.check_page_names,
        frame=pages.check_page_frame,
        units=pages.check_page_units,
        colours=clouds.check_colours(pages.by_page),
        times=pages.check_page_times,
        unknown=clouds.check_nothing_unknown(pages.by_page),
    ),
    "rrd": cloud(clouds.by_rrd),
    "mesh": mesh(clouds.by_trimesh, "ply", clouds.check_colours(clouds.by_trimesh, within=40, share=0.4)),
    "mesh obj": mesh(clouds.by_trimesh, "obj", clouds.check_colours(clouds.by_trimesh, within=40, share=0.4)),
    "mesh glb": mesh(gltf_mesh, "glb", clouds.check_unlit("mesh")),
    "colmap": Row(
        names=cameras.check_colmap_names,
        frame=cameras.check_pixel(cameras.by_colmap, bends=True),
        units=check_units,
        colours=cameras.check_pictures,
        times=cameras.check_colmap_names,
        unknown=cameras.check_only_posed(cameras.colmap_indices),
    ),
    "3dgs": Row(
        names=cameras.check_colmap_names,
        frame=cameras.check_pixel(cameras.by_colmap),
        units=check_units,
        colours=cameras.check_seeds,
        times=cameras.check_colmap_names,
        unknown=cameras.check_only_posed(cameras.colmap_indices),
    ),
    "nerfstudio": Row(
        names=cameras.check_nerfstudio_names,
        frame=cameras.check_pixel(cameras.by_nerfstudio, bends=True),
        units=check_units,
        colours=cameras.check_pictures,
        times=cameras.check_nerfstudio_names,
        unknown=cameras.check_only_posed(cameras.nerfstudio_indices),
    ),
    "depth": Row(
        names=cameras.check_folder_names("depth/"),
        frame=cameras.check_pixel(cameras.by_depth),
        units=check_units,
        colours=NO_COLOURS,
        times=cameras.check_depth_times,
        unknown=cameras.check_depth_unknown,
    ),
    "npz": Row(
        names=cameras.check_npz_names,
        frame=cameras.check_pixel(cameras.by_npz),
        units=check_units,
        colours=cameras.check_npz_pictures,
        times=NO_TIMES,
        unknown=cameras.check_npz_unknown,
    ),
    "mini_npz": Row(
        names=cameras.check_npz_names,
        frame=cameras.check_pixel(cameras.by_npz),
        units=check_units,
        colours=NO_COLOURS,
        times=NO_TIMES,
        unknown=cameras.check_npz_unknown,
    ),
    "depth_vis": Row(
        names=cameras.check_folder_names(""),
        frame="pictures alone, in no frame of reference",
        units="the legend of the colours: tests/export/depth/test_visualisation.py",
        colours="of depth: tests/export/depth/test_visualisation.py",
        times=cameras.check_folder_names(""),
        unknown=cameras.check_vis_unknown,
    ),
    "depth_video": Row(
        names="frames of a film",
        frame="pictures alone, in no frame of reference",
        units="the legend of the colours: tests/export/depth/test_visualisation.py",
        colours="of depth: tests/export/depth/test_visualisation.py",
        times="a steady rate: tests/export/depth/test_visualisation.py",
        unknown=cameras.check_vis_unknown,
    ),
    "flythrough": film("test_flythrough.py"),
    "gs_video": film("test_gs_video.py"),
    "feat_vis": Row(
        names="it needs a model: tests/export/features/test_feat_vis.py",
        frame="pictures alone, in no frame of reference",
        units="features have none",
        colours="of features: tests/export/features/test_feat_vis.py",
        times="it needs a model: tests/export/features/test_feat_vis.py",
        unknown="a picture without a pose has features, too",
    ),
}

SLOW = ("colmap", "3dgs", "mesh obj")
