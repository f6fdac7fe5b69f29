"""The cameras of a run in a glTF scene: frusta, still cameras, the path, and cameras that fly along it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...geometry import Sim3, unproject
from ...store import RunReader
from ...types import Float64
from ..frame_views import FrameView, segment_paths
from ..gltf import GltfBuilder, GltfScene, Lens, add_flight, add_lines, camera_places, key_times
from ..images.names import frame_names

FRUSTUM = 0.08  # depth of a frustum in median depths
_NEAREST = 0.01  # that a camera shows, in median depths
_CAMERA, _PATH = (255, 176, 0), (76, 201, 240)
_EDGES = [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1)]  # of a frustum: its apex, then its corners


class FlownFrames(NamedTuple):
    """How many frames the flights go through, and how many they leave out, since times must ascend."""

    flown: int
    left_out: int


class SceneCameras:
    """Adds cameras to a scene whose units are `scale` of the run's."""

    def __init__(self, gltf: GltfBuilder, scene: GltfScene, reader: RunReader, scale: float) -> None:
        self._gltf, self._scene, self._reader = gltf, scene, reader
        self._median_depth = reader.geometry.median_depth() or 1.0
        self._nearest = scale * _NEAREST * self._median_depth
        self._cameras: dict[bytes, int] = {}  # by intrinsics

    def add_still(self, views: Sequence[FrameView]) -> None:
        """The frusta of some frames as lines, and below them a camera for each, named as the frame."""
        if not views:
            return
        corners = np.concatenate([self._frustum(view) for view in views])
        ends = np.array(_EDGES) + 5 * np.arange(len(views))[:, None, None]
        node = self._scene.add("cameras", add_lines(self._gltf, "cameras", corners, ends, _CAMERA))
        names, places = frame_names(self._reader), camera_places(np.stack([view.world_from_camera for view in views]))
        for view, translation, rotation in zip(views, *places, strict=True):
            camera = self._camera(view.intrinsics)
            extras = {"frame": view.index, "timestamp": view.timestamp}
            place = {"translation": translation, "rotation": rotation}
            self._gltf.add_child(node, names[view.index].name, {"camera": camera, **place, "extras": extras})

    def add_path(self, views: Sequence[FrameView]) -> None:
        """A line through the camera centres of every segment that has two."""
        paths = [path for path in segment_paths(views) if len(path) > 1]
        if not paths:
            return
        firsts = np.cumsum([0, *(len(path) for path in paths)])
        index = [np.arange(first, first + len(path) - 1) for first, path in zip(firsts, paths, strict=False)]
        starts = np.concatenate(index)
        lines = add_lines(self._gltf, "path", np.concatenate(paths), np.stack([starts, starts + 1], axis=1), _PATH)
        self._scene.add("path", lines)

    def add_flights(self, views: Sequence[FrameView], start: float) -> FlownFrames:
        """A camera and its animation for every segment of two frames or more, since nothing ties segments to each
        other. Their times begin at `start`."""
        by_segment = [[view for view in views if view.segment == n] for n in sorted({view.segment for view in views})]
        flights = [flight for flight in by_segment if len(flight) > 1]
        names = ["flight"] if len(flights) == 1 else [f"flight {flight[0].segment}" for flight in flights]
        counts = [self._add_flight(name, flight, start) for name, flight in zip(names, flights, strict=True)]
        return FlownFrames(sum(counts), sum(len(flight) for flight in flights) - sum(counts))

    def _add_flight(self, name: str, views: Sequence[FrameView], start: float) -> int:
        times, rows = key_times([view.timestamp for view in views], start)
        poses = np.stack([view.world_from_camera for view in views])[rows]
        camera = self._camera(np.median([view.intrinsics for view in views], axis=0))
        translation, rotation = (part[0] for part in camera_places(poses[:1]))
        node = self._scene.add(name, camera=camera, translation=translation, rotation=rotation)
        add_flight(self._gltf, node, name, times, poses)
        return len(rows)

    def _camera(self, intrinsics: Float64) -> int:
        """The number of the camera with these intrinsics; frames that share them share it."""
        key = intrinsics.tobytes()
        if key not in self._cameras:
            camera = Lens(intrinsics, self._reader.input_size).as_json(self._nearest)
            self._cameras[key] = self._gltf.add("cameras", camera)
        return self._cameras[key]

    def _frustum(self, view: FrameView) -> Float64:
        """The camera's centre and the corners of its picture at some depth [5,3], in the world."""
        width, height = self._reader.input_size
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        tips = unproject(corners, np.full(4, FRUSTUM * self._median_depth), view.intrinsics)
        return Sim3.from_matrix(view.world_from_camera).apply(np.vstack([np.zeros(3), tips]))
