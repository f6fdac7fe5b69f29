"""Depth maps against the truth: AbsRel and delta < 1.25 after one global scale (Eigen et al., NIPS 2014)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import EvaluationError

Float32 = NDArray[np.float32]
DepthReader = Callable[[int], tuple[Float32, Float32, NDArray[np.float64]]]  # source index -> depth, confidence, K

MAX_FRAMES = 200  # evenly spread; bounds time and memory for any length of run
PIXELS_PER_FRAME = 20_000


@dataclass(frozen=True)
class DepthMetrics:
    """Relative errors of depth after one global scale (truth per estimate), over the pixels that have both.

    `kept_share` is the share of a frame's pixels with truth that have depth, averaged over the sampled frames; frames
    without any stored depth count as 0.
    """

    frames: int
    pixels: int
    scale: float
    abs_rel: float
    median_rel: float
    delta_1_25: float
    kept_share: float


def truth_frames(directory: Path, source_index: Sequence[int] | NDArray[np.int64]) -> list[int]:
    """At most MAX_FRAMES of the source frames, evenly spread, whose true depth is in the directory (%06d.npy).

    Raises EvaluationError where there is none.
    """
    if not directory.is_dir():
        raise EvaluationError(f"{directory} is not a directory: expected depth maps 000000.npy ... by source frame")
    with_truth = [int(index) for index in source_index if depth_file(directory, int(index)).is_file()]
    if not with_truth:
        raise EvaluationError(f"{directory} holds no depth map of an evaluated frame: expected 000000.npy ...")
    return [
        with_truth[k] for k in np.linspace(0, len(with_truth) - 1, min(len(with_truth), MAX_FRAMES)).round().astype(int)
    ]


def every_kth(indices: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Every k-th of the indices, with the smallest k that leaves at most `count`."""
    return indices[:: max(1, -(-len(indices) // count))]


def depth_file(directory: Path, source_index: int) -> Path:
    """Where the true depth of a source frame lies."""
    return directory / f"{source_index:06d}.npy"


def read_true_depth(path: Path) -> Float32:
    """Depth [H,W] along z in metres; what is not positive and finite becomes 0 (no truth).

    Raises EvaluationError if the file is no floating-point array [H,W].
    """
    try:
        depth = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise EvaluationError(f"cannot read the true depth {path}: expected a numpy array ({error})") from error
    if not (isinstance(depth, np.ndarray) and depth.ndim == 2 and np.issubdtype(depth.dtype, np.floating)):
        raise EvaluationError(f"{path} is no depth map: expected a floating-point array [H,W] in metres")
    return np.where(np.isfinite(depth) & (depth > 0), depth, 0).astype(np.float32)


def compare_depth(read_depth: DepthReader, directory: Path, source_index: NDArray[np.int64]) -> DepthMetrics:
    """Compare the run's depth maps with those in the directory, on a fixed sample of frames and pixels."""
    frames = truth_frames(directory, source_index)
    samples = [_sample_frame(read_depth, directory, index) for index in frames]
    estimate, truth = np.concatenate([pairs for pairs, _ in samples], axis=1)
    if not len(truth):
        raise EvaluationError(f"the run has no depth where {directory} has truth: nothing can be compared")
    scale = float(np.median(truth / estimate))
    relative = np.abs(scale * estimate - truth) / truth
    ratio = np.maximum(scale * estimate / truth, truth / (scale * estimate))
    return DepthMetrics(
        frames=len(frames),
        pixels=len(truth),
        scale=scale,
        abs_rel=float(relative.mean()),
        median_rel=float(np.median(relative)),
        delta_1_25=float(np.mean(ratio < 1.25)),
        kept_share=float(np.nanmean([kept for _, kept in samples])),
    )


def _sample_frame(read_depth: DepthReader, directory: Path, index: int) -> tuple[NDArray[np.float64], float]:
    """(estimate, truth) [2,P] on pixels that have both, and the share of pixels with truth that have both."""
    truth = read_true_depth(depth_file(directory, index))
    try:
        depth, confidence, _ = read_depth(index)
    except KeyError:
        return np.zeros((2, 0)), 0.0
    truth = _resample_nearest(truth, depth.shape)
    both = np.flatnonzero((depth > 0) & (confidence > 0) & (truth > 0))
    chosen = every_kth(both, PIXELS_PER_FRAME)
    pairs = np.stack([depth.ravel()[chosen], truth.ravel()[chosen]]).astype(np.float64)
    possible = np.count_nonzero(truth)
    return pairs, len(both) / possible if possible else float("nan")


def _resample_nearest(depth: Float32, shape: tuple[int, ...]) -> Float32:
    """A depth map resampled to another resolution of the same view, by the nearest pixel."""
    rows, columns = (((np.arange(n) + 0.5) * size / n).astype(int) for n, size in zip(shape, depth.shape, strict=True))
    return depth[np.ix_(rows, columns)]
