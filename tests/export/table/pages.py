"""Pages (`--format page`), read by the layout alone: base64 blocks of a server's answers in an HTML file."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tests.export.table.clouds import Cloud, check_frame
from tests.export.table.exported import Array, Exported
from tests.worlds.known_runs import FRAMES
from tests.worlds.known_street import pose

BLOCK = re.compile(r'<script type="text/plain" class="answer" data-path="([^"]*)">([^<]*)</script>')
POINT_BYTES, STEPS = 12, 65_535


@dataclass(frozen=True)
class PoseRows:
    """The answer of /poses or /cameras: similarities by row of the table of frames."""

    row: NDArray[np.uint32]  # [n]
    translation: Array  # [n,3]
    rotation: Array  # [n,3,3]; NaN where there is no pose
    scale: Array  # [n]

    def apply(self, which: NDArray[np.int64], xyz: Array) -> Array:
        turned = np.einsum("nij,nj->ni", self.rotation[which], xyz)
        return np.asarray(self.scale[which, None] * turned + self.translation[which])


def answers(path: Path) -> dict[str, bytes]:
    """By the path of the request."""
    return {name: b64decode(text, validate=True) for name, text in BLOCK.findall(path.read_text(encoding="utf-8"))}


def state(path: Path) -> dict[str, Any]:
    return dict(json.loads(answers(path)["/state"]))


def frame_columns(body: bytes) -> dict[str, NDArray[Any]]:
    """The answer of /frames: time, source index, submap and row there, of every row."""
    count = int(np.frombuffer(body, "<u4", 4)[0])
    kinds, at, found = (("time", "<f8"), ("source_index", "<u4"), ("submap", "<u4"), ("row", "<u4")), 16, {}
    for name, kind in kinds:
        found[name] = np.frombuffer(body, kind, count, at)
        at += found[name].nbytes
    return found


def pose_rows(body: bytes) -> PoseRows:
    count, at = int(np.frombuffer(body, "<u4", 4)[1]), 16
    columns = []
    for kind, width in (("<f8", 3), ("<u4", 1), ("<f4", 4), ("<f4", 1)):
        columns.append(np.frombuffer(body, kind, count * width, at).reshape(count, width))
        at += columns[-1].nbytes
    translation, row, xyzw, scale = columns
    rotation = np.full((count, 3, 3), np.nan)
    known = np.isfinite(xyzw).all(axis=1)
    rotation[known] = Rotation.from_quat(xyzw[known]).as_matrix()
    return PoseRows(row[:, 0], translation, rotation, scale[:, 0].astype(np.float64))


def by_page(path: Path) -> Cloud:
    """All points, each moved to the world by the similarity of its own frame."""
    found = answers(path)
    frames, poses = frame_columns(found["/frames"]), pose_rows(found["/poses"])
    assert np.array_equal(poses.row, np.arange(len(frames["time"])))
    clouds = [
        _submap(json.loads(body), found[name.replace("submaps", "points")], int(name.rsplit("/", 1)[1]), frames, poses)
        for name, body in found.items()
        if name.startswith("/submaps/")
    ]
    parts = [np.concatenate(some) for some in zip(*clouds, strict=True)]
    return parts[0], parts[1]


def _submap(
    header: dict[str, Any], body: bytes, submap: int, frames: dict[str, NDArray[Any]], poses: PoseRows
) -> tuple[Array, Array]:
    owned = np.flatnonzero(frames["submap"] == submap)
    row_of = {int(index): int(row) for index, row in zip(frames["source_index"][owned], owned, strict=True)}
    rows = np.array([row_of.get(index, -1) for index in header["frames"]])
    places, colours = [np.zeros((0, 3))], [np.zeros((0, 3))]
    for node in header["nodes"]:
        n, at = node["points"], node["offset"]
        place = np.frombuffer(body, "<u2", 4 * n, at).reshape(n, 4)
        colour = np.frombuffer(body, np.uint8, 4 * n, at + 8 * n).reshape(n, 4)
        local = np.array(node["centre"]) - node["size"] / 2 + place[:, :3] / STEPS * node["size"]
        which = rows[place[:, 3]]
        assert (which >= 0).all()
        places.append(poses.apply(which, local))
        colours.append(colour[:, :3].astype(np.float64))
    assert sum(node["points"] for node in header["nodes"]) * POINT_BYTES == len(body)
    return np.concatenate(places), np.concatenate(colours)


def check_page_frame(exported: Exported) -> None:
    """Points lie on the street. A row for every frame of the input, and where its pose is known the camera is there."""
    check_frame(by_page)(exported)
    found = answers(exported.path)
    frames, cameras = frame_columns(found["/frames"]), pose_rows(found["/cameras"])
    assert frames["source_index"].tolist() == list(range(FRAMES))
    known = np.isfinite(cameras.scale)
    assert cameras.row[known].tolist() == exported.run.posed
    for row in exported.run.posed:
        expected = pose(row)
        assert np.abs(cameras.translation[row] - expected[:3, 3]).max() < 1e-6
        assert np.abs(cameras.rotation[row] - expected[:3, :3]).max() < 1e-6


def check_page_times(exported: Exported) -> None:
    """As exact as float64 holds them."""
    frames = frame_columns(answers(exported.path)["/frames"])
    assert frames["time"].tolist() == [exported.run.time(index) for index in frames["source_index"].tolist()]


def check_page_units(exported: Exported) -> None:
    assert state(exported.path)["run"]["units"] == ("metres" if exported.run.kind.metres else "relative")


def check_page_names(exported: Exported) -> None:
    """Pictures come with what is told of their frame: its number and time, the name of a file but not where it lies."""
    found, rows = answers(exported.path), state(exported.path)["embedded"]["images"]
    assert rows == exported.run.posed and {f"/image/{row}" for row in rows} <= set(found)
    for row in rows:
        told = json.loads(found[f"/frame/{row}"])
        assert (told["source_index"], told["time"]) == (row, exported.run.time(row))
        assert told["file"] is None or "/" not in told["file"]
