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

from ..camera_input import read_intrinsics
from ..errors import EvaluationError
from ..geometry import Sim3, intrinsics_matrix, pixel_centres, unproject
from .depth import depth_file, read_true_depth, spread, truth_frames

Float64 = NDArray[np.float64]

THRESHOLDS = (0.01, 0.02, 0.05)  # shares of the truth's median depth
POINTS_PER_FRAME = 10_000  # of at most depth.MAX_FRAMES frames
MAX_CLOUD_POINTS = 2_000_000
_PLY_TYPES = {"float": "<f4", "uchar": "u1"}


@dataclass(frozen=True)
class ThresholdScore:
    """Shares of points within a distance."""

    threshold_m: float
    share_of_median_depth: float
    precision: float
    recall: float
    f_score: float


@dataclass(frozen=True)
class CloudError:
    """Median distances cloud to truth (accuracy) and truth to cloud (completeness), in metres, and the shares."""

    points: int
    truth_points: int
    accuracy_m: float
    completeness_m: float
    thresholds: tuple[ThresholdScore, ...]


def cloud_error(cloud: Float64, truth: Float64, median_depth_m: float) -> CloudError:
    """Compare points [N,3] with true points [M,3] in the same frame, in metres.

    The truth is thinned to one point per cube of half the smallest threshold, so that what was seen often or from
    near does not count more.
    """
    truth = thin(truth, THRESHOLDS[0] * median_depth_m / 2)
    to_truth = np.asarray(cKDTree(truth).query(cloud)[0])
    to_cloud = np.asarray(cKDTree(cloud).query(truth)[0])
    scores = tuple(_score(to_truth, to_cloud, share, share * median_depth_m) for share in THRESHOLDS)
    return CloudError(len(cloud), len(truth), float(np.median(to_truth)), float(np.median(to_cloud)), scores)


def true_points(
    directory: Path, truth_from_camera: Mapping[int, Float64], intrinsics: Float64
) -> tuple[Float64, float]:
    """Points [M,3] of the true depth maps of the frames (source index -> pose [4,4]), and the median depth.

    `intrinsics` [3,3] are those of the depth maps. A fixed sample: see MAX_FRAMES and POINTS_PER_FRAME.
    """
    frames = truth_frames(directory, list(truth_from_camera))
    parts = [_frame_points(depth_file(directory, index), intrinsics) for index in frames]
    moved = [Sim3.from_matrix(truth_from_camera[index]).apply(p) for index, p in zip(frames, parts, strict=True)]
    depths = np.concatenate([points[:, 2] for points in parts])
    if not len(depths):
        raise EvaluationError(f"the depth maps in {directory} hold no positive depth: nothing can be compared")
    return np.concatenate(moved), float(np.median(depths))


def truth_intrinsics(directory: Path) -> Float64 | None:
    """K [3,3] from intrinsics.txt (fx fy cx cy, first centre at 0) beside the depth maps or above; None without."""
    for file in (directory / "intrinsics.txt", directory.parent / "intrinsics.txt"):
        if file.is_file():
            fx, fy, cx, cy = read_intrinsics(str(file))
            return intrinsics_matrix(fx, fy, cx + 0.5, cy + 0.5)
    return None


def read_cloud(path: Path) -> Float64:
    """Positions [N,3] from a run's cloud.ply, every k-th point so that at most MAX_CLOUD_POINTS are held.

    Mapped, not loaded: a whole drive's cloud need not fit into memory, which is why no mesh library reads it.
    """
    try:
        with open(path, "rb") as file:
            count, layout = _vertices(file)
            offset = file.tell()
        points = np.memmap(path, layout, "r", offset, (count,)) if count else np.zeros(0, layout)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"cannot read the cloud {path}: {error}") from error
    if not len(points):
        raise EvaluationError(f"{path} holds no points: nothing can be compared")
    some = points[spread(np.arange(len(points)), MAX_CLOUD_POINTS)]
    return np.stack([some[axis] for axis in "xyz"], axis=-1).astype(np.float64)


def thin(points: Float64, edge: float) -> Float64:
    """The first point in every cube of a grid, in the order of the cubes."""
    x, y, z = np.floor(points / edge).astype(np.int64).T
    order = np.lexsort((z, y, x))
    cubes = np.stack([x, y, z], axis=1)[order]
    first = np.concatenate([[True], (np.diff(cubes, axis=0) != 0).any(axis=1)])
    return points[order[first]]


def _vertices(file: BinaryIO) -> tuple[int, np.dtype[np.void]]:
    """How many points the header announces, and what each holds; afterwards the file stands at the first.

    Raises ValueError on other layouts.
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
    chosen = spread(np.flatnonzero(depth), POINTS_PER_FRAME)
    pixels = pixel_centres(*depth.shape).reshape(-1, 2)[chosen]
    return unproject(pixels, depth.ravel()[chosen], intrinsics)


def _score(to_truth: Float64, to_cloud: Float64, share: float, threshold: float) -> ThresholdScore:
    precision, recall = float(np.mean(to_truth < threshold)), float(np.mean(to_cloud < threshold))
    f_score = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return ThresholdScore(threshold, share, precision, recall, f_score)
