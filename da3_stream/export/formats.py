"""The table of formats by name: what each is, its options, its default file name, and its writer.

A new format is a row here, a class of options (options.py) and a writer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..store import RunReader
from . import options as o
from .progress import Progress


@dataclass(frozen=True)
class Format:
    """A row of the table. `file` ends with "/" where the export is a folder, and may contain `{encoding}`."""

    what: str
    options: type[o.FrameOptions]
    file: str
    home: str  # module:function of the writer in this package; imported when it is needed
    beside: tuple[str, ...] = ()  # suffixes of its side files (`output_path.side_file`)
    needs_poses: bool = True  # False: shows also what a model gives that tells depth alone

    @property
    def is_folder(self) -> bool:
        """Whether the export is a folder of files."""
        return self.file.endswith("/")

    def file_name(self, options: o.FrameOptions) -> str:
        """The default name of its file or folder, under these options."""
        return self.file.rstrip("/").format(encoding=getattr(options, "encoding", ""))

    @property
    def goes_on(self) -> bool:
        """Whether an export that was interrupted goes on behind the files that are whole."""
        return False

    def write(self, reader: RunReader, path: Path, options: Any, progress: Progress) -> str:
        """Write the export to the path of a new file or folder; returns a line for people."""
        return self._writer()(reader, path, options)

    def _writer(self) -> Callable[..., str]:
        """The function that writes the format."""
        module, _, function = self.home.partition(":")
        return getattr(import_module(f".{module}", __package__), function)


class Watched(Format):
    """A row whose writer takes a `Progress` behind the options, and tells it how far it is."""

    def write(self, reader: RunReader, path: Path, options: Any, progress: Progress) -> str:
        """As of `Format`."""
        return self._writer()(reader, path, options, progress)


class FrameByFrame(Watched):
    """A watched row, a folder, which goes on behind the frames that a `FrameLog` knows as whole."""

    @property
    def goes_on(self) -> bool:
        """As of `Format`."""
        return True


def formats_text() -> str:
    """The table for people: a paragraph for each format, with the options that it has beside `frames` and `every`."""
    rows = []
    for name, row in FORMATS.items():
        own = [key for key in row.options.model_fields if key not in o.FrameOptions.model_fields]
        rows.append(f"{name}: {row.what}" + (f" ({', '.join(own)})" if own else ""))
    return "\n\n".join(rows)


FORMATS = {
    "tum": Format("trajectory, TUM RGB-D", o.TrajectoryOptions, "trajectory.tum", "trajectory.files:export_tum"),
    "kitti": Format(
        "trajectory, KITTI odometry",
        o.TrajectoryOptions,
        "trajectory.kitti",
        "trajectory.files:export_kitti",
        beside=(".rows", ".json"),
    ),
    "euroc": Format(
        "trajectory, EuRoC csv",
        o.TrajectoryOptions,
        "trajectory.csv",
        "trajectory.files:export_euroc",
        beside=(".json",),
    ),
    "geojson": Format("path on the map, GeoJSON", o.MapOptions, "path.geojson", "trajectory.geojson:export_geojson"),
    "kml": Format("path on the map, KML", o.MapOptions, "path.kml", "trajectory.geo_files:export_kml"),
    "gpx": Format("path on the map, GPX", o.MapOptions, "path.gpx", "trajectory.geo_files:export_gpx"),
    "ply": Watched("merged cloud, PLY", o.CloudOptions, "cloud.ply", "cloud.files:export_ply"),
    "pcd": Watched("merged cloud, PCD", o.CloudOptions, "cloud.pcd", "cloud.files:export_pcd"),
    "e57": Watched("merged cloud, E57", o.CloudOptions, "cloud.e57", "cloud.files:export_e57"),
    "las": Watched("merged cloud, LAS", o.PlainLasOptions, "cloud.las", "cloud.files:export_las"),
    "laz": Watched("merged cloud, LAS compressed", o.PlainLasOptions, "cloud.laz", "cloud.files:export_laz"),
    "copc": Watched(
        "merged cloud with levels of detail, COPC", o.LasOptions, "cloud.copc.laz", "cloud.files:export_copc"
    ),
    "tiles": Watched("merged cloud, a folder of LAZ tiles", o.PlainLasOptions, "tiles/", "cloud.files:export_tiles"),
    "3dtiles": Watched(
        "merged cloud with levels of detail, 3D Tiles",
        o.Tiles3dOptions,
        "3dtiles/",
        "tiles3d.exporting:export_3dtiles",
    ),
    "glb": Watched(
        "points, cameras, path and a flight along it, binary glTF", o.GlbOptions, "scene.glb", "cloud.glb:export_glb"
    ),
    "gs_ply": Watched(
        "Gaussian splats, or initial ones of the cloud: a folder of PLY tiles",
        o.SplatOptions,
        "gs_ply/",
        "splats.exporting:export_gs_ply",
    ),
    "spz": Watched("the same, compressed: SPZ tiles", o.SplatOptions, "spz/", "splats.exporting:export_spz"),
    "page": Watched(
        "the run's page in one file, for a browser", o.PageOptions, "page.html", "page.exporting:export_page"
    ),
    "rrd": Watched("recording for rerun", o.RrdOptions, "run.rrd", "cloud.rerun:export_rrd"),
    "mesh": Watched("surface from the depth maps", o.MeshOptions, "mesh.{encoding}", "mesh.tsdf:export_mesh"),
    "colmap": FrameByFrame(
        "cameras, poses and points on tracks, COLMAP", o.ColmapOptions, "colmap/", "colmap.dataset:export_colmap"
    ),
    "nerfstudio": FrameByFrame("transforms.json", o.NerfstudioOptions, "nerfstudio/", "nerfstudio:export_nerfstudio"),
    "3dgs": FrameByFrame(
        "input of Gaussian splats",
        o.GaussianSplattingOptions,
        "3dgs/",
        "colmap.gaussian_splatting:export_gaussian_splatting",
    ),
    "depth": FrameByFrame(
        "depth maps, one file a frame", o.DepthOptions, "depth/", "depth.maps:export_depth", needs_poses=False
    ),
    "npz": Watched(
        "all frames in one, as DA3 writes it", o.NpzOptions, "results.npz", "npz:export_npz", needs_poses=False
    ),
    "mini_npz": Watched(
        "the same without pictures", o.MiniNpzOptions, "mini_results.npz", "npz:export_mini_npz", needs_poses=False
    ),
    "depth_vis": FrameByFrame(
        "pictures of depth",
        o.DepthImageOptions,
        "depth_vis/",
        "depth.visualisation:export_depth_vis",
        needs_poses=False,
    ),
    "depth_video": Watched(
        "a film of depth", o.DepthVideoOptions, "depth.mp4", "depth.visualisation:export_depth_video", needs_poses=False
    ),
    "gs_video": Watched(
        "a film of the Gaussian splats from a camera that flies through them",
        o.GsVideoOptions,
        "gs_video.mp4",
        "video.gs_video:export_gs_video",
    ),
    "flythrough": Watched(
        "a film of the points from a camera that flies through them",
        o.FlythroughOptions,
        "flythrough.mp4",
        "video.flythrough:export_flythrough",
    ),
    "feat_vis": Watched(
        "what the network's layers see, as pictures and films of colours",
        o.FeatureOptions,
        "feat_vis/",
        "features.exporting:export_feat_vis",
        needs_poses=False,
    ),
}
