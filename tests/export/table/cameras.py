"""Formats with cameras and pictures: the known tile's pixel, the pictures' names, what frames without poses leave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

from tests.export.table.clouds import (
    accessor,
    by_gltf,
    check_frame,
    check_gltf_axes,
    check_nothing_unknown,
    nodes,
)
from tests.export.table.exported import (
    CLOSE_PX,
    Array,
    Exported,
    apply,
    check_anchor,
    check_frames_csv,
    expected_names,
    file_from_world,
    frames_csv,
    pose_to_world,
    read_glb,
    record,
    to_world,
)
from tests.worlds.known_runs import FRAMES
from tests.worlds.known_street import (
    LANDMARK,
    LANDMARK_RGB,
    SEEN,
    SIZE,
    camera,
    colours_at,
    off_edge,
    off_surface,
    pose,
)

SHOWN = (2, 4, 6, 8)  # frames that see the tile and have poses in every run

Project = Callable[[Exported, int, Array], Array]  # the pixel [2] of a frame at which a point [3] of the file falls


def colmap_model(exported: Exported) -> Any:
    import pycolmap

    return pycolmap.Reconstruction(str(exported.path / "sparse" / "0"))


def _file_of(exported: Exported, index: int, folder: str = "images/") -> str:
    """The picture of a frame, as frames.csv tells."""
    (row,) = [row for row in frames_csv(exported.path) if int(row["row"]) == index]
    return row["file"].removeprefix(folder)


def by_colmap(exported: Exported, index: int, point: Array) -> Array:
    model = colmap_model(exported)
    (image,) = [image for image in model.images.values() if image.name == _file_of(exported, index)]
    return np.asarray(image.project_point(point)).ravel()


def by_nerfstudio(exported: Exported, index: int, point: Array) -> Array:
    """By the conventions of its documentation: OpenGL's camera axes, OpenCV's distortion."""
    meta = json.loads((exported.path / "transforms.json").read_text())
    (entry,) = [each for each in meta["frames"] if each["file_path"] == _file_of(exported, index, "")]
    given = {**meta, **entry}
    local = apply(np.linalg.inv(np.array(entry["transform_matrix"]) @ np.diag([1.0, -1, -1, 1])), point[None])[0]
    x, y = local[:2] / local[2]
    bend = 1 + given.get("k1", 0.0) * (x * x + y * y)
    return np.array([given["fl_x"] * x * bend + given["cx"], given["fl_y"] * y * bend + given["cy"]])


def by_npz(exported: Exported, index: int, point: Array) -> Array:
    found, row = np.load(exported.path), exported.run.posed.index(index)
    local = found["extrinsics"][row].astype(np.float64) @ [*point, 1.0]
    at = found["intrinsics"][row].astype(np.float64) @ local
    return at[:2] / at[2] * (np.array(SIZE) / SEEN)


def by_depth(exported: Exported, index: int, point: Array) -> Array:
    """The pinhole of depth.json, at the pose of the run; and the map holds the point's depth there."""
    (entry,) = [e for e in json.loads((exported.path / "depth.json").read_text())["frames"] if e["frame"] == index]
    world = apply(np.linalg.inv(file_from_world(exported)), point[None])[0]
    local = np.linalg.inv(pose(index)) @ [*world, 1.0]
    at = np.array(entry["intrinsics"]) @ local[:3]
    x, y = (at[:2] / at[2]).astype(int)
    depth = cv2.imread(str(exported.path / entry["depth"]), cv2.IMREAD_UNCHANGED)
    scale = float(np.cbrt(np.linalg.det(file_from_world(exported)[:3, :3])))
    assert abs(depth[y, x] / (local[2] * scale) - 1) < 0.05
    return at[:2] / at[2] * (np.array(SIZE) / entry["size"])


def by_rrd(exported: Exported, index: int, point: Array) -> Array:
    from tests.export.recordings import chunks_of, column

    batches = chunks_of(exported.path)["/world/camera"]
    names = ("Transform3D:translation", "Transform3D:mat3x3", "Pinhole:image_from_camera")
    row = exported.run.posed.index(index)
    place, turn, k = (np.array(column(batches, name)[row], np.float64).ravel() for name in names)
    at = k.reshape(3, 3).T @ (turn.reshape(3, 3) @ (point - place))
    return np.asarray(at[:2] / at[2])


def check_pixel(project: Project, *, bends: bool = False, axes: bool = True) -> Callable[[Exported], None]:
    """The middle of the known tile falls on its pixel in several frames. `bends`: through the lens of the run."""

    def check(exported: Exported) -> None:
        k1 = exported.run.kind.k1
        point = apply(file_from_world(exported), LANDMARK[None])[0]
        for index in SHOWN:
            expected = exported.run.pixel(LANDMARK, index) if bends or not k1 else straight_pixel(index)
            found = project(exported, index, point)
            assert np.linalg.norm(found - expected) < CLOSE_PX, (index, found, expected)
        if axes:
            check_anchor(exported)

    return check


def straight_pixel(index: int) -> Array:
    """Of the tile's middle, seen without distortion."""
    local = np.linalg.inv(pose(index)) @ [*LANDMARK, 1.0]
    at = camera() @ local[:3]
    return np.asarray(at[:2] / at[2])


def check_colmap_names(exported: Exported) -> None:
    """Images of the model are files under their own names, and frames.csv ties every one to the input's."""
    indices = exported.run.exported
    check_frames_csv(exported, indices)
    names = {image.name for image in colmap_model(exported).images.values()}
    assert names == {row["file"].removeprefix("images/") for row in frames_csv(exported.path)}
    _check_stems(exported, names)


def check_nerfstudio_names(exported: Exported) -> None:
    check_frames_csv(exported, exported.run.exported)
    frames = json.loads((exported.path / "transforms.json").read_text())["frames"]
    _check_stems(exported, {entry["file_path"].removeprefix("images/") for entry in frames})


def check_folder_names(folder: str) -> Callable[[Exported], None]:
    """A file for each frame with depth, under the names of the input's."""

    def check(exported: Exported) -> None:
        rows = frames_csv(exported.path)
        assert len(rows) == len({row["file"].casefold() for row in rows})
        _check_stems(exported, {row["file"].removeprefix(folder) for row in rows})
        check_frames_csv(exported, [int(row["row"]) for row in rows])

    return check


def _check_stems(exported: Exported, files: set[str]) -> None:
    stems = {file.rsplit(".", 1)[0] for file in files}
    missing = set(expected_names(exported.run, exported.run.exported).values()) - stems
    assert not missing, f"{missing} are not among {sorted(stems)[:5]}..."
    assert len({stem.casefold() for stem in stems}) == len(files)


def check_npz_names(exported: Exported) -> None:
    files, run = np.load(exported.path)["file"].tolist(), exported.run
    assert len(files) == len(run.posed)
    stems = {file.rsplit(".", 1)[0] if run.kind.names else file for file in files}
    assert set(expected_names(run, run.posed).values()) <= stems and len(stems) == len(files)


def check_pictures(exported: Exported) -> None:
    """The odd tile has its colour in the pictures, at the pixel that the cameras tell."""
    for index in SHOWN:
        (row,) = [row for row in frames_csv(exported.path) if int(row["row"]) == index]
        data = np.fromfile(exported.path / row["file"], np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
        straight = exported.name in STRAIGHT
        x, y = straight_pixel(index) if straight else exported.run.pixel(LANDMARK, index)
        off = np.abs(picture[int(y), int(x)].astype(int) - LANDMARK_RGB).max()
        assert off < 25, (index, picture[int(y), int(x)])  # JPEG halves the resolution of colours


STRAIGHT = ("3dgs",)


def check_seeds(exported: Exported) -> None:
    """The pictures' colours; and seeds lie on the street in its colours, each seen by two pictures or more."""
    check_pictures(exported)
    points = list(colmap_model(exported).points3D.values())
    assert len(points) > 5_000 and min(point.track.length() for point in points) >= 2
    world = to_world(exported, np.stack([point.xyz for point in points]))
    assert np.quantile(off_surface(world), 0.9) < 10 * exported.closeness
    clear = off_edge(world) > 0.05
    off = np.abs(colours_at(world) - np.stack([point.color for point in points]).astype(float)).max(axis=1)
    assert np.median(off[clear]) < 10


def check_npz_pictures(exported: Exported) -> None:
    found = np.load(exported.path)["image"]
    x, y = (straight_pixel(6) * SEEN / SIZE).astype(int)
    assert np.abs(found[exported.run.posed.index(6), y, x].astype(int) - LANDMARK_RGB).max() < 60


def check_only_posed(indices_of: Callable[[Exported], list[int]]) -> Callable[[Exported], None]:
    """Frames without a pose are left out, nothing else is, and no number is NaN."""

    def check(exported: Exported) -> None:
        assert indices_of(exported) == exported.run.exported

    return check


def colmap_indices(exported: Exported) -> list[int]:
    images = {image.name: image for image in colmap_model(exported).images.values()}
    assert all(np.isfinite(image.cam_from_world().matrix()).all() for image in images.values())
    return _indices(exported, images)


def nerfstudio_indices(exported: Exported) -> list[int]:
    frames = json.loads((exported.path / "transforms.json").read_text())["frames"]
    assert np.isfinite([entry["transform_matrix"] for entry in frames]).all()
    return _indices(exported, {entry["file_path"].removeprefix("images/"): None for entry in frames})


def _indices(exported: Exported, names: dict[str, Any]) -> list[int]:
    rows = {row["file"].removeprefix("images/"): int(row["row"]) for row in frames_csv(exported.path)}
    return sorted(rows[name] for name in names)


def check_npz_unknown(exported: Exported) -> None:
    found = np.load(exported.path)
    assert len(found["extrinsics"]) == len(exported.run.posed)
    assert all(np.isfinite(found[name]).all() for name in ("extrinsics", "intrinsics", "depth", "conf"))


def check_depth_unknown(exported: Exported) -> None:
    told = json.loads((exported.path / "depth.json").read_text())
    assert [entry["frame"] for entry in told["frames"]] == exported.run.posed
    missing = len(exported.run.kind.unknown)
    assert not missing or f"{missing} frames have none" in exported.summary


def check_depth_times(exported: Exported) -> None:
    told = json.loads((exported.path / "depth.json").read_text())
    assert [e["timestamp"] for e in told["frames"]] == [exported.run.time(index) for index in exported.run.posed]


def check_vis_unknown(exported: Exported) -> None:
    """A picture for every frame, so that they play as a film; the summary tells how many have no depth."""
    missing = len(exported.run.kind.unknown)
    assert exported.summary.startswith(f"{FRAMES} pictures")
    assert not missing or f"{missing} of them without depth" in exported.summary


def gltf_cameras(exported: Exported) -> Iterator[tuple[str, Array, dict[str, Any]]]:
    """Name, file_from_camera [4,4] in OpenCV's axes and node of every camera of a GLB that stands for a frame."""
    tree, _ = read_glb(exported.path)
    for name, (matrix, node) in nodes(tree).items():
        if "camera" in node and "frame" in node.get("extras", {}):
            yield name, matrix @ np.diag([1.0, -1, -1, 1]), node


def check_gltf_names(exported: Exported) -> None:
    """Cameras are called as their pictures."""
    found = {name: node["extras"]["frame"] for name, _, node in gltf_cameras(exported)}
    expected = expected_names(exported.run, exported.run.posed)
    for name, index in found.items():
        assert index not in expected or name.rsplit(".png", 1)[0] == expected[index], (name, expected[index])


def check_gltf_scene(exported: Exported) -> None:
    """Points lie on the street, y is up, cameras stand at true poses, and see the known tile in its pixel."""
    check_frame(by_gltf)(exported)
    check_gltf_axes(exported)
    tree, _ = read_glb(exported.path)
    cameras = list(gltf_cameras(exported))
    assert [node["extras"]["frame"] for _, _, node in cameras] == exported.run.posed
    for _, matrix, node in cameras:
        index, lens = node["extras"]["frame"], tree["cameras"][node["camera"]]["perspective"]
        found = pose_to_world(exported, matrix)
        assert np.abs(found - pose(index)).max() < 1e-5
        assert abs(lens["yfov"] - 2 * np.arctan(SIZE[1] / 2 / camera()[1, 1])) < 0.03


def check_gltf_unknown(exported: Exported) -> None:
    """Nothing is NaN, and the counts that are said are those of the cameras."""
    check_nothing_unknown(by_gltf)(exported)
    count = len(exported.run.posed)
    assert f" {count} cameras" in exported.summary and f"{count} frames" in exported.summary, exported.summary


def check_gltf_animation(exported: Exported) -> None:
    """A keyframe of the flight for each frame with a pose, at its time from the first one's, which is told, too."""
    tree, binary = read_glb(exported.path)
    times = [accessor(tree, binary, sampler["input"]) for each in tree["animations"] for sampler in each["samplers"]]
    posed, start = exported.run.posed, record(exported.path)["start_time"]
    expected = np.array([exported.run.time(index) for index in posed])
    assert len(times[0]) == len(posed) or exported.run.kind.segments
    for found in times:
        assert np.abs(start + np.asarray(found, np.float64).ravel()[:, None] - expected).min(axis=1).max() < 1e-5
    given = [node["extras"]["timestamp"] for _, _, node in gltf_cameras(exported)]
    assert given == expected.tolist()


def check_record(exported: Exported) -> None:
    """A frame of reference is told at all, and leads to the map where the run is located."""
    assert record(exported.path)
    check_anchor(exported)
