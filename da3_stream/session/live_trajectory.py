"""trajectory.tum while a run goes on: lines are added as windows come, and all are written anew after a correction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import StoreError
from ..export import row_text, tum_rows
from ..store import NodeGeometry, RunGeometry, Scene, SceneNode, frame_places, pose_table
from ..store.files import replacing
from ..types import Float64

MOVED = 0.01  # median depths of a window by which its line may be off before all are written anew
TURNED = 0.003  # radians, and log-scale


class Trail:
    """Keeps the file up to date: `grow` with every window, with the nodes that it became."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._drawn = np.zeros((0, 13))  # of every node: its place when its lines were written
        self._open: list[int] = []  # nodes of the last window: the next one still moves the end of their lines
        self._settled = 0  # bytes of lines before theirs
        self._unit = 1.0

    def grow(self, scene: Scene, geometries: dict[int, NodeGeometry], nodes: Sequence[int]) -> bool:
        """Add the lines of a window's nodes; whether everything was written anew instead, because it had moved."""
        anew = not len(self._drawn) or len(self._drawn) != nodes[0] or self._has_moved(scene, geometries)
        if anew:
            self._draw_anew(scene, geometries, nodes)
        else:
            self._add(scene, geometries, nodes)
        return anew

    def _has_moved(self, scene: Scene, geometries: dict[int, NodeGeometry]) -> bool:
        """Whether any line in the file is off by more than may be."""
        if abs(np.log(scene.scale / self._unit)) > TURNED:
            return True
        then = self._drawn
        now = _places(scene.nodes[: len(then)])
        depth = np.array([geometries[k].median_depth or 1.0 for k in range(len(then))])
        shift = np.linalg.norm(now[:, 10:] - then[:, 10:], axis=1) > MOVED * depth * then[:, 0]
        turn = np.abs(now[:, 1:10] - then[:, 1:10]).max(axis=1, initial=0.0) > TURNED
        return bool(np.any(shift | turn | (np.abs(np.log(now[:, 0] / then[:, 0])) > TURNED)))

    def _draw_anew(self, scene: Scene, geometries: dict[int, NodeGeometry], nodes: Sequence[int]) -> None:
        old, new = _rows(scene, geometries, [_first_frame(geometries, nodes)])
        with replacing(self._path) as file:
            file.writelines(row_text(old))
            settled = file.tell()
            file.writelines(row_text(new))
        self._settled = settled
        self._drawn = _places(scene.nodes)
        self._open, self._unit = list(nodes), scene.scale

    def _add(self, scene: Scene, geometries: dict[int, NodeGeometry], nodes: Sequence[int]) -> None:
        """Write the lines of the last window's nodes again, and those of the new ones."""
        near = {k: geometries[k] for k in range(self._first_near(scene), nodes[-1] + 1)}
        _, old, new = _rows(scene, near, [_first_frame(near, self._open), _first_frame(near, nodes)])
        try:
            with open(self._path, "r+b") as file:
                file.seek(self._settled)
                file.writelines(row_text(old))
                settled = file.tell()
                file.writelines(row_text(new))
                file.truncate()
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror or error}") from error
        self._settled = settled
        self._drawn = np.concatenate([self._drawn, _places([scene.nodes[k] for k in nodes])])
        self._open = list(nodes)

    def _first_near(self, scene: Scene) -> int:
        """The first node whose lines, or whose neighbours' lines, can still change."""
        window = scene.nodes[self._open[0]].window
        first = self._open[0]
        while first and scene.nodes[first - 1].window >= window - 1:
            first -= 1
        return first


def _places(nodes: Sequence[SceneNode]) -> Float64:
    return np.array([node.world_from_window.numbers() for node in nodes]).reshape(-1, 13)


def _first_frame(geometries: dict[int, NodeGeometry], nodes: Sequence[int]) -> int:
    """The first frame that nodes speak for."""
    own = [int(geometries[node].frame_indices[geometries[node].owned][0]) for node in nodes]
    return min([*own, *(geometries[node].left_out[0].index for node in nodes if geometries[node].left_out)])


def _rows(scene: Scene, geometries: dict[int, NodeGeometry], borders: Sequence[int]) -> list[Float64]:
    """The lines of all frames that nodes speak for, as numbers, in parts that begin at these frames."""
    poses = pose_table({}, RunGeometry(scene, geometries, frame_places(scene, geometries)))
    rows = tum_rows(poses.timestamp, poses.world_from_camera)
    return np.split(rows, np.searchsorted(poses.source_index, borders))
