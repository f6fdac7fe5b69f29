"""An export of a known run, and what every check asks of it: where its record says its coordinates lie."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.worlds.known_runs import KnownRun
from tests.worlds.known_street import SEEN, pose, rays_of_pixels, seen

Array = NDArray[np.float64]

SHARE = 1e-4  # of the scene's median depth: how far a point may lie from where it is
CLOSE_PX = 0.1


@dataclass(frozen=True)
class Exported:
    """The file or folder of a format, made of a known run, and the line that was said of it."""

    run: KnownRun
    name: str
    path: Path
    summary: str

    @property
    def closeness(self) -> float:
        """How far a point of the world may lie from where it is, in units of the run's world."""
        return SHARE * median_depth()

    @property
    def metres(self) -> float:
        """Of one unit of the run's world; 1 where nobody knows."""
        place = self.run.kind.georeference
        if place is None or self.run.kind.metres:
            return 1.0
        return place.geographic_from_world.scale * map_unit(place.crs)

    @property
    def is_metric(self) -> bool:
        return self.run.kind.metres or self.run.kind.georeference is not None


def median_depth() -> float:
    """Of the scene."""
    depth = seen(rays_of_pixels(SEEN), pose(0))[0]
    return float(np.median(depth[depth > 0]))


def map_unit(crs: str) -> float:
    """Metres in one unit of a map, by PROJ."""
    from pyproj import CRS

    return float(CRS.from_user_input(crs).axis_info[0].unit_conversion_factor)


def record(path: Path) -> dict[str, Any]:
    """What an export says of its frame of reference; empty where it says nothing."""
    if path.is_dir():
        found = [path / name for name in IN_FOLDERS if (path / name).exists()]
        told = json.loads(found[0].read_text()) if found else {}
        return dict(told.get("extras", told))  # of a tile set of 3D Tiles
    readers = {".ply": _comments, ".obj": _comments, ".las": _las, ".laz": _las, ".glb": _gltf, ".npz": _npz}
    readers |= {".pcd": _comments, ".tum": _comments, ".rrd": _rrd, ".e57": _e57, ".html": _page}
    if path.suffix in readers:
        return readers[path.suffix](path)
    beside = path.with_name(f"{path.name}.json")
    return json.loads(beside.read_text()) if beside.exists() else {}


def _comments(path: Path) -> dict[str, Any]:
    lines: list[str] = []
    for raw in path.read_bytes()[: 1 << 16].split(b"\n"):
        word, _, text = raw.decode("ascii", "replace").strip().partition(" ")
        if word in ("comment", "#"):
            if text.startswith("+ "):
                lines[-1] += text[2:]
            else:
                lines.append(text)
    pairs = (line.partition(": ") for line in lines if ": " in line)
    return {key: json.loads(value) for key, _, value in pairs if key in KEYS}


IN_FOLDERS = ("frame_of_reference.json", "tiles.json", "tileset.json")
KEYS = ("axes", "up", "units", "file_from_world", "crs", "anchor")


def _e57(path: Path) -> dict[str, Any]:
    import pye57

    with pye57.E57(str(path)) as file:
        return dict(json.loads(file.get_header(0)["description"].value()))


def _las(path: Path) -> dict[str, Any]:
    import laspy

    with laspy.open(path) as reader:
        notes = [vlr.record_data for vlr in reader.header.vlrs if (vlr.user_id, vlr.record_id) == ("da3_stream", 1)]
    return json.loads(notes[0]) if notes else {}


def _gltf(path: Path) -> dict[str, Any]:
    tree, _ = read_glb(path)
    return dict(tree["scenes"][tree.get("scene", 0)].get("extras", {}))


def _npz(path: Path) -> dict[str, Any]:
    found = np.load(path)
    if "frame_of_reference" not in found:
        return {}
    told = json.loads(str(found["frame_of_reference"]))
    np.testing.assert_allclose(found["file_from_world"], told["file_from_world"])
    return dict(told)


def _page(path: Path) -> dict[str, Any]:
    """Its coordinates are the run's world; the state says how that lies on the map."""
    from tests.export.table.pages import state

    told = state(path)
    return {"units": told["run"]["units"], "crs": None, "file_from_world": np.eye(4), "anchor": _on_map(told["origin"])}


def _on_map(origin: dict[str, Any] | None) -> dict[str, Any] | None:
    if origin is None:
        return None
    matrix = np.eye(4)
    matrix[:3, :3] = origin["scale"] * np.array(origin["rotation"])
    matrix[:3, 3] = origin["translation"]
    return {"map_from_file": matrix}


def _rrd(path: Path) -> dict[str, Any]:
    from tests.export.recordings import chunks_of, column

    batches = chunks_of(path).get("/frame_of_reference", [])
    texts = [
        text for batch in batches for name in batch.schema.names if "text" in name for text in column([batch], name)
    ]
    return json.loads(texts[0][0]) if texts else {}


def file_from_world(exported: Exported) -> Array:
    """The matrix [4,4] that the export documents."""
    told = record(exported.path)
    assert "file_from_world" in told, f"{exported.name} says nothing of its frame of reference"
    return np.array(told["file_from_world"], np.float64).reshape(4, 4)


def apply(matrix: Array, points: Array) -> Array:
    """Points [M,3] moved by a matrix [4,4]."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def to_world(exported: Exported, points: Array) -> Array:
    """Points [M,3] of the file in the run's world, by the transform that the file documents."""
    return apply(np.linalg.inv(file_from_world(exported)), points)


def pose_to_world(exported: Exported, file_from_camera: Array) -> Array:
    """world_from_camera [4,4], rigid, of a pose in the file's coordinates."""
    moved = np.linalg.inv(file_from_world(exported)) @ file_from_camera
    moved[:3, :3] /= np.cbrt(np.linalg.det(moved[:3, :3]))
    return np.asarray(moved)


def check_anchor(exported: Exported) -> None:
    """Where the run is located, the record leads a point of the file to its place on the map."""
    place = exported.run.kind.georeference
    told = record(exported.path)
    if place is None:
        assert told["anchor"] is None and told["crs"] is None
        return
    world = np.array([[1.0, 2.0, 3.0], [-4.0, 0.5, 20.0]])
    expected = place.geographic_from_world.apply(world)
    in_file = apply(np.array(told["file_from_world"], np.float64), world)
    in_map = apply(np.array(told["anchor"]["map_from_file"], np.float64), in_file)
    assert np.abs(in_map - expected).max() < exported.closeness * place.geographic_from_world.scale
    if told["crs"] is not None:
        assert np.abs(in_file - expected).max() < exported.closeness * place.geographic_from_world.scale


def check_units(exported: Exported) -> None:
    """The units that the record tells are those in which its transform scales the world."""
    told = record(exported.path)
    scale = float(np.cbrt(np.linalg.det(np.array(told["file_from_world"], np.float64)[:3, :3])))
    place = exported.run.kind.georeference
    if told["crs"] is not None:
        assert place is not None
        unit = 1.0 if told["units"] == "metres" else map_unit(place.crs)
        assert scale * unit == abs_close(exported.metres)
        return
    assert told["units"] == ("metres" if exported.is_metric else "relative")
    assert scale == abs_close(exported.metres)


def abs_close(value: float) -> Any:
    import pytest

    return pytest.approx(value, rel=1e-9)


def read_glb(path: Path) -> tuple[dict[str, Any], bytes]:
    """JSON and binary chunk, by the standard."""
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    at = 20 + size
    return json.loads(data[20:at]), data[at + 8 :]


def frames_csv(folder: Path) -> list[dict[str, str]]:
    """Rows of frames.csv of an export."""
    with open(folder / "frames.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def check_frames_csv(exported: Exported, indices: Sequence[int]) -> None:
    """A row for each exported picture, `file` first, that ties it to the file or frame of the input, and its time."""
    rows, run = frames_csv(exported.path), exported.run
    assert list(rows[0])[0] == "file" and [int(row["row"]) for row in rows] == list(indices)
    for row, index in zip(rows, indices, strict=True):
        assert (exported.path / row["file"]).is_file(), row["file"]
        assert float(row["time_s"]) == run.time(index)
        if run.kind.names:
            assert row["source"].endswith(run.kind.names[index]), (row["source"], run.kind.names[index])
        else:
            assert int(row["source_index"]) == index


def expected_names(run: KnownRun, indices: Sequence[int]) -> dict[int, str]:
    """Names without suffix of the pictures of frames where nothing clashes: by the input's, else six digits."""
    if not run.kind.names:
        return {index: f"{index:06d}" for index in indices}
    stems = [str(Path(name).with_suffix("")) for name in run.kind.names]
    folded = [stem.casefold() for stem in stems]
    return {index: stems[index] for index in indices if folded.count(folded[index]) == 1}
