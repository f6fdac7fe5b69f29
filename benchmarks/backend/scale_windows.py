"""Windows for the benchmark of scale: of real clips, predicted once and kept in files; of the town, exactly known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Clip, tell
from da3_stream.calibration import KnownCamera, read_calibration
from da3_stream.geometry.keypoints import Keypoints
from da3_stream.predictors.scheduler import SerializedPredictor, predictions
from da3_stream.predictors.sfm import SfmPredictor
from da3_stream.predictors.sfm.mapping.calibration import Calibration
from da3_stream.predictors.sfm.matching.correspondences import Correspondences
from da3_stream.predictors.sfm.matching.pairs import Matches
from da3_stream.session.job import open_job
from da3_stream.settings import Settings
from da3_stream.synthetic import Town, TownFrame
from da3_stream.types import Float64, Status, UInt8, WindowGeometry
from da3_stream.windows import Window, windows

Predicted = tuple[Window[int], WindowGeometry]

TOWN_WINDOW, TOWN_OVERLAP = 60, 12
DRIFT_PER_M = 2e-4  # of log-scale: 2 % in 100 m
ARRAYS = ("frame_indices", "images", "depth", "confidence", "intrinsics", "window_from_camera")


class TracksOnly(SfmPredictor):
    """The sfm predictor on KLT tracks alone, in windows half as long: its scale drifts within windows."""

    name, window_size, window_overlap = "sfm on tracks", 60, 12

    def __init__(self, **camera: Any) -> None:
        super().__init__(**camera)
        self._features: Any = _NoKeypoints()

    def _solve(self, calibration: Calibration, found: Correspondences | None, *rest: Any) -> Any:
        """The solver asks for key points first: the tracks stand in for them."""
        if found is not None:
            found = replace(found, tracked_from=[len(xy) for xy in found.xy])
        return super()._solve(calibration, found, *rest)


class _NoKeypoints:
    """Finds nothing in any picture."""

    def get(
        self, indices: Sequence[int], grays: Sequence[UInt8], pairs: Sequence[tuple[int, int]]
    ) -> tuple[list[Keypoints], dict[tuple[int, int], Matches]]:
        nothing = Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8))
        return [nothing] * len(indices), {pair: np.zeros((0, 2), np.uint32) for pair in pairs}


def clip_windows(clip: Clip, folder: Path, *, weak: bool) -> Iterator[Predicted]:
    """Windows of a clip with its own intrinsics; predicted unless the folder holds them already."""
    if not (folder / "whole").exists():
        _predict(clip, folder, weak)
    for path in sorted(folder.glob("*.npz")):
        yield _read(path)


def _predict(clip: Clip, folder: Path, weak: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    assert clip.intrinsics is not None
    camera = read_calibration(str(clip.intrinsics))
    settings = Settings.build({"camera": {"intrinsics": camera}, "model": {"name": "sfm"}})
    predictor = _tracks_only(clip, camera) if weak else None
    with open_job(clip.source, settings, predictor) as job:
        cut = windows(job.source, job.window_size, job.window_overlap)
        for answer in predictions(cut, SerializedPredictor(job.predictor)):
            number = answer.window.number
            tell(f"{folder.name}: window {number}, {answer.geometry.status.value}")
            _write(folder / f"{number:06d}.npz", answer.window, answer.geometry)
    if predictor is not None:
        predictor.close()
    (folder / "whole").touch()


def _tracks_only(clip: Clip, camera: KnownCamera) -> TracksOnly:
    import cv2

    height, width = cv2.imread(str(min(clip.source.glob("*.jpg")))).shape[:2]
    return TracksOnly(known_k=camera.model.matrix(), source_size=(width, height))


def _write(path: Path, window: Window[Any], geometry: WindowGeometry) -> None:
    rest = {"start": window.start, "owned": (window.owned.start, window.owned.stop)}
    rest |= {"status": geometry.status.value, "breaks": np.array(geometry.breaks, np.int64)}
    np.savez(path, **{name: getattr(geometry, name) for name in ARRAYS}, **rest)


def _read(path: Path) -> Predicted:
    with np.load(path) as file:
        arrays: dict[str, Any] = {name: file[name] for name in ARRAYS}
        breaks = tuple(file["breaks"].tolist())
        geometry = WindowGeometry(**arrays, is_metric=False, status=Status(str(file["status"])), breaks=breaks)
        frames, owned = tuple(arrays["frame_indices"].tolist()), file["owned"].tolist()
        return Window(int(path.stem), frames, int(file["start"]), range(*owned)), geometry


def town_windows(town: Town, drift: bool) -> Iterator[Predicted]:
    """Exact windows of a town, each in a unit of its own; with drift the unit grows along the way too."""
    frame = lru_cache(maxsize=TOWN_WINDOW + 2)(town.frame)
    units = _drift(town) if drift else np.ones(len(town))
    poses = town.path.world_from_camera.copy()
    poses[1:, :3, 3] = poses[0, :3, 3] + np.cumsum(np.diff(poses[:, :3, 3], axis=0) * units[1:, None], axis=0)
    for window in windows(range(len(town)), TOWN_WINDOW, TOWN_OVERLAP):
        unit = 1.0 + 0.1 * (window.number % 7)
        yield window, _exact(town, [frame(row) for row in window.frames], poses, units / unit, np.array(window.frames))


def _drift(town: Town) -> Float64:
    """Units of depth by frame: they grow with the distance gone."""
    steps = np.linalg.norm(np.diff(town.path.world_from_camera[:, :3, 3], axis=0), axis=1)
    return np.exp(DRIFT_PER_M * np.concatenate([[0.0], steps.cumsum()]))


def _exact(town: Town, frames: Sequence[TownFrame], poses: Float64, units: Float64, rows: Float64) -> WindowGeometry:
    window_from_camera = np.linalg.inv(poses[rows[0]]) @ poses[rows]
    window_from_camera[:, :3, 3] *= units[0]
    depth = np.stack([frame.depth for frame in frames]) * units[rows, None, None]
    return WindowGeometry(
        frame_indices=rows,
        images=np.stack([frame.image for frame in frames]),
        depth=depth.astype(np.float32),
        confidence=(depth > 0).astype(np.float32),
        intrinsics=np.tile(town.intrinsics, (len(rows), 1, 1)),
        window_from_camera=window_from_camera,
        is_metric=False,
    )
