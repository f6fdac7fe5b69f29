"""COLMAP models and transforms.json, by COLMAP itself and by nerfstudio's dataparser."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reading.readers import Reader, Workbench
from tests.export.table.cameras import SHOWN, straight_pixel
from tests.export.table.exported import CLOSE_PX, Array, Exported, apply, file_from_world, frames_csv
from tests.worlds.known_street import LANDMARK, pose

ALIGNED = 1e-3  # of a unit of the map: how far cameras may lie from where they were told to lie


def images_of_colmap(bench: Workbench, exported: Exported) -> dict[str, Array]:
    """camera_from_world [4,4] of every image by name, as COLMAP writes what it read as text."""
    from scipy.spatial.transform import Rotation

    folder = bench.folder / "text"
    folder.mkdir(exist_ok=True)
    model = exported.path / "sparse" / "0"
    words = ["model_converter", "--input_path", model, "--output_path", folder, "--output_type", "TXT"]
    bench.run([bench.installed.program("colmap"), *words])
    lines = [line for line in (folder / "images.txt").read_text().splitlines() if not line.startswith("#")]
    found = {}
    for line in lines[::2]:
        parts = line.split(" ", 9)
        w, x, y, z, *place = map(float, parts[1:8])
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = Rotation.from_quat([x, y, z, w]).as_matrix(), place
        found[parts[9]] = matrix
    return found


def _frame_of(exported: Exported) -> dict[str, int]:
    """The frame of each picture of the export."""
    return {row["file"].removeprefix("images/"): int(row["row"]) for row in frames_csv(exported.path)}


def colmap_names(bench: Workbench, exported: Exported) -> None:
    """Each name is a file below images/, tied to a frame."""
    names = set(images_of_colmap(bench, exported))
    assert names == set(_frame_of(exported))
    assert all((exported.path / "images" / name).is_file() for name in names)


def colmap_frame(bench: Workbench, exported: Exported) -> None:
    """Cameras stand where they truly are, after the documented transform."""
    matrix, frames = file_from_world(exported), _frame_of(exported)
    for name, camera_from_file in images_of_colmap(bench, exported).items():
        centre = np.linalg.inv(camera_from_file)[:3, 3]
        expected = apply(matrix, pose(frames[name])[None, :3, 3])[0]
        assert np.abs(centre - expected).max() < exported.closeness * exported.metres, (name, centre, expected)


def colmap_aligner(bench: Workbench, exported: Exported) -> None:
    """model_aligner, given places by the pictures' own names, joins every picture to its own."""
    place = exported.run.kind.georeference
    frames = _frame_of(exported)
    similarity = place.geographic_from_world if place is not None else None
    to_map = similarity.matrix() if similarity is not None else np.diag([2.5, 2.5, 2.5, 1.0])
    places = {name: apply(to_map, pose(index)[None, :3, 3])[0] for name, index in frames.items()}
    middle = np.mean(list(places.values()), axis=0)
    names = {name: _own_name(exported, index) for name, index in frames.items()}
    text = "".join(f"{names[name]} {' '.join(map(repr, (at - middle).tolist()))}\n" for name, at in places.items())
    told = bench.folder / "places.txt"
    told.write_text(text)
    out = bench.folder / "aligned"
    out.mkdir(exist_ok=True)
    model = exported.path / "sparse" / "0"
    words = ["model_aligner", "--input_path", model, "--output_path", out, "--ref_images_path", told]
    limits = ["--ref_is_gps", 0, "--alignment_type", "custom", "--robust_alignment", 1]
    bench.run([bench.installed.program("colmap"), *words, *limits, "--robust_alignment_max_error", 0.05])
    aligned = Exported(exported.run, exported.name, bench.folder / "as_model", exported.summary)
    (aligned.path / "sparse").mkdir(parents=True, exist_ok=True)
    (aligned.path / "sparse" / "0").symlink_to(out)
    for name, camera_from_map in images_of_colmap(bench, aligned).items():
        centre = np.linalg.inv(camera_from_map)[:3, 3] + middle
        assert np.abs(centre - places[name]).max() < ALIGNED, (name, centre, places[name])


def _own_name(exported: Exported, index: int) -> str:
    """As people know the picture: its path in the input, which the export keeps unless it says otherwise."""
    (row,) = [row for row in frames_csv(exported.path) if int(row["row"]) == index]
    return row["file"].removeprefix("images/")


def parsed(bench: Workbench, exported: Exported) -> Any:
    """What nerfstudio trains on; without a world for its seeds it moves nothing."""
    packages = bench.installed.folder / "nerfstudio"
    return bench.probe(sys.executable, "nerfstudio_parser.py", packages, exported.path)


def nerfstudio_names(bench: Workbench, exported: Exported) -> None:
    """It finds every picture, once."""
    found = [Path(path) for path in parsed(bench, exported)["files"]]
    assert all(path.is_file() for path in found) and len(set(found)) == len(exported.run.exported)


def nerfstudio_frame(bench: Workbench, exported: Exported) -> None:
    """The middle of the known tile falls on its pixel by nerfstudio's own cameras."""
    found = parsed(bench, exported)
    frames = {str(exported.path / row["file"]): int(row["row"]) for row in frames_csv(exported.path)}
    meta = json.loads((exported.path / "transforms.json").read_text())
    applied, trained = (np.vstack([rows, [0, 0, 0, 1]]) for rows in (meta["applied_transform"], found["transform"]))
    in_training = trained @ np.linalg.inv(applied)  # nerfstudio's transform is from before the applied one
    point = apply(in_training @ file_from_world(exported), LANDMARK[None])[0]
    for path, matrix, k, bend in zip(
        found["files"], found["camera_to_world"], found["k"], found["distortion"] or [[0.0] * 6] * 999, strict=False
    ):
        index = frames[path]
        if index not in SHOWN:
            continue
        x, y, z = (point - np.array(matrix)[:, 3]) @ np.array(matrix)[:, :3] @ np.diag([1, -1, -1])
        r2 = (x * x + y * y) / (z * z)
        factor = 1 + bend[0] * r2 + bend[1] * r2 * r2
        pixel = np.array([k[0] * x / z * factor + k[2], k[1] * y / z * factor + k[3]])
        expected = exported.run.pixel(LANDMARK, index) if exported.run.kind.k1 else straight_pixel(index)
        assert np.linalg.norm(pixel - expected) < CLOSE_PX, (index, pixel, expected)


def nerfstudio_units(bench: Workbench, exported: Exported) -> None:
    """Depth files lie beside the pictures, with the factor that brings them to the poses' units; there are seeds."""
    found = parsed(bench, exported)
    assert found["points"] > 1000
    assert len(found["depth_files"]) == len(found["files"]) and found["depth_scale"] > 0
    assert all(Path(path).is_file() for path in found["depth_files"])


COLMAP = {"names": colmap_names, "frame": colmap_frame, "units": colmap_aligner}
READERS = (
    Reader("COLMAP", "debian", {"colmap": COLMAP, "3dgs": COLMAP}),
    Reader(
        "nerfstudio's dataparser",
        "nerfstudio",
        {"nerfstudio": {"names": nerfstudio_names, "frame": nerfstudio_frame, "units": nerfstudio_units}},
    ),
)
