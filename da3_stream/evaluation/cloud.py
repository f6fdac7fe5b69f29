"""A run's cloud against true depth seen from true poses: accuracy, completeness, F-score.

Definitions as in Knapitsch et al., "Tanks and Temples" (2017): precision is the share of the cloud's points nearer
to the truth than a threshold, recall the share of the truth's points nearer to the cloud, F their harmonic mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..calibration import read_calibration
from ..errors import EvaluationError
from ..geometry import Sim3, pixel_centres, unproject
from .depth import depth_file, every_kth, read_true_depth, truth_frames

Float64 = NDArray[np.float64]

THRESHOLDS = (0.01, 0.02, 0.05)  # shares of the truth's median depth
POINTS_PER_FRAME = 10_000  # of at most depth.MAX_FRAMES frames
MAX_CLOUD_POINTS = 2_000_000
_PLY_TYPES = {"float": "<f4", "uchar": "u1"}


@dataclass(frozen=True)
class ThresholdScore:
    """Shares of points within a distance of the other cloud."""

    threshold_m: float
    share_of_median_depth: float
    precision: float
    recall: float
    f_score: float


@dataclass(frozen=True)
class CloudMetrics:
    """Median distances cloud to truth (accuracy) and truth to cloud (completeness) in metres, and the scores."""

    points: int
    truth_points: int
    accuracy_m: float
    completeness_m: float
    thresholds: tuple[ThresholdScore, ...]


def compare_clouds(cloud: Float64, truth: Float64, median_depth_m: float) -> CloudMetrics:
    """Compare points [N,3] with true points [M,3] in the same frame, in metres.

    The truth is thinned to one point per cube of half the smallest threshold, so that surfaces
    seen often or from near do not count more.
    """
    truth = thin(truth, THRESHOLDS[0] * median_depth_m / 2)
    to_truth = np.asarray(cKDTree(truth).query(cloud)[0])
    to_cloud = np.asarray(cKDTree(cloud).query(truth)[0])
    scores = tuple(_score(to_truth, to_cloud, share, share * median_depth_m) for share in THRESHOLDS)
    return CloudMetrics(len(cloud), len(truth), float(np.median(to_truth)), float(np.median(to_cloud)), scores)


def true_points(
    directory: Path, truth_from_camera: Mapping[int, Float64], intrinsics: Float64
) -> tuple[Float64, float]:
    """Points [M,3] of the true depth maps of the frames (source index -> pose [4,4]), and the median depth.

    `intrinsics` [3,3] are those of the depth maps. A fixed sample: see MAX_FRAMES and POINTS_PER_FRAME.
    """
    frames = truth_frames(directory, list(truth_from_camera))
    in_cameras = [_frame_points(depth_file(directory, index), intrinsics) for index in frames]
    in_truth = [
        Sim3.from_matrix(truth_from_camera[index]).apply(p) for index, p in zip(frames, in_cameras, strict=True)
    ]
    depths = np.concatenate([points[:, 2] for points in in_cameras])
    if not len(depths):
        raise EvaluationError(f"the depth maps in {directory} hold no positive depth: nothing can be compared")
    return np.concatenate(in_truth), float(np.median(depths))


def read_truth_intrinsics(directory: Path) -> Float64 | None:
    """K [3,3] from intrinsics.txt (fx fy cx cy, first centre at 0) beside the depth maps or above; None without."""
    for file in (directory / "intrinsics.txt", directory.parent / "intrinsics.txt"):
        if file.is_file():
            return read_calibration(str(file)).model.matrix()
    return None


def read_cloud(path: Path) -> Float64:
    """Positions [N,3] from a run's cloud.ply, every k-th point so that at most MAX_CLOUD_POINTS are held.

    The file is mapped, not loaded, since the cloud of a long drive need not fit into memory. Raises EvaluationError if
    it cannot be read or has no points.
    """
    try:
        with open(path, "rb") as file:
            count, layout = _read_ply_header(file)
            offset = file.tell()
        points = np.memmap(path, layout, "r", offset, (count,)) if count else np.zeros(0, layout)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"cannot read the cloud {path}: {error}") from error
    if not len(points):
        raise EvaluationError(f"{path} holds no points: nothing can be compared")
    sample = points[every_kth(np.arange(len(points)), MAX_CLOUD_POINTS)]
    return np.stack([sample[axis] for axis in "xyz"], axis=-1).astype(np.float64)


def thin(points: Float64, edge: float) -> Float64:
    """The first of the points [N,3] in every cube of a grid with that edge, in the order of the cubes."""
    x, y, z = np.floor(points / edge).astype(np.int64).T
    order = np.lexsort((z, y, x))
    cubes = np.stack([x, y, z], axis=1)[order]
    first = np.concatenate([[True], (np.diff(cubes, axis=0) != 0).any(axis=1)])
    return points[order[first]]


def _read_ply_header(file: BinaryIO) -> tuple[int, np.dtype[np.void]]:
    """The number of points and the dtype of each; the file is left at the first point.

    Raises ValueError if the header is not that of a binary PLY of points.
    """
    header: list[list[str]] = []
    while (line := file.readline(200)).strip() != b"end_header":
        if not line:
            raise ValueError("it has no PLY header")
        header.append(line.decode("ascii", "replace").split())
    fields = [(words[-1], _PLY_TYPES.get(words[1], "")) for words in header if words[:1] == ["property"]]
    counts = [int(words[2]) for words in header if words[:1] == ["element"]]
    known = {name for name, kind in fields if kind} >= set("xyz") and all(kind for _, kind in fields)
    if not known or ["format", "binary_little_endian", "1.0"] not in header or len(counts) != 1:
        raise ValueError("expected a binary little-endian PLY of points with float x, y and z, as a run writes it")
    return counts[0], np.dtype(fields)


def _frame_points(file: Path, intrinsics: Float64) -> Float64:
    """A sample of a depth map's points [P,3] in its camera's frame."""
    depth = read_true_depth(file)
    chosen = every_kth(np.flatnonzero(depth), POINTS_PER_FRAME)
    pixels = pixel_centres(*depth.shape).reshape(-1, 2)[chosen]
    return unproject(pixels, depth.ravel()[chosen], intrinsics)


def _score(to_truth: Float64, to_cloud: Float64, share: float, threshold: float) -> ThresholdScore:
    precision, recall = float(np.mean(to_truth < threshold)), float(np.mean(to_cloud < threshold))
    f_score = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return ThresholdScore(threshold, share, precision, recall, f_score)
