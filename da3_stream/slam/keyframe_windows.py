"""Keyframe windows: now and then, strided frames of the last windows are predicted together, which ties windows that
share no frame."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..errors import DeviceLostError
from ..loops import combined_information, scene_depth
from ..posegraph import Edge
from ..stitching import align_windows
from ..types import Alignment, KeyframePredictor, Status, WindowGeometry
from .loop_closing import LoopResult
from .submaps import SubmapStore
from .update import Event

log = logging.getLogger(__name__)

MIN_SHARED = 4  # keyframes of a submap by which it can be aligned


@dataclass(frozen=True)
class KeyframeWindows:
    """After every so many windows (0: never), at most `size` frames evenly from all of them are predicted together."""

    every: int
    size: int
    submaps: SubmapStore
    predictor: KeyframePredictor

    def process(self, window: int) -> LoopResult:
        """Edges from a keyframe window after this window, where one is due. A lost device alone ends a run."""
        if not self.every or (window + 1) % self.every:
            return LoopResult()
        try:
            return self._edges(window)
        except DeviceLostError:
            raise
        except Exception as error:
            log.warning("a look at key frames failed: %s", error, exc_info=True)
            return LoopResult(events=(Event("key window", {"window": window, "failed": str(error)}),))

    def _edges(self, window: int) -> LoopResult:
        submaps = self.submaps.scene.submaps
        recent = [k for k, submap in enumerate(submaps) if window - self.every < submap.window <= window]
        owned = np.array([frame for submap in recent for frame in self.submaps.frames_of(submap)], np.int64)
        frames = self.submaps.frames(_subsample(owned, self.size).tolist())
        keyframes = self.predictor.predict_keyframes(frames).check(frames)
        usable = keyframes.status is Status.OK and not keyframes.breaks
        alignments = self._alignments(recent, keyframes) if usable else []
        edges = tuple(_edge(a, b, scene_depth(keyframes)) for a, b in pairwise(alignments))
        aligned = [submap for submap, _ in alignments]
        fields = {"window": window, "frames": len(frames), "status": keyframes.status.value, "aligned": aligned}
        return LoopResult(edges, (Event("key window", fields),))

    def _alignments(self, submaps: Sequence[int], keyframes: WindowGeometry) -> list[tuple[int, Alignment]]:
        """The submaps on which the keyframe window can be aligned surely, with their alignments."""
        alignments = []
        for submap in submaps:
            stored = self.submaps.geometry(submap)
            shared = np.isin(keyframes.frame_indices, stored.frame_indices).sum()
            if shared < MIN_SHARED or stored.depth.shape[1:] != keyframes.depth.shape[1:]:
                continue
            alignment = align_windows(stored, keyframes)
            if alignment.status is Status.OK:
                alignments.append((submap, alignment))
        return alignments


def _subsample(frames: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most so many, evenly."""
    return frames[np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(np.int64))]


def _edge(a: tuple[int, Alignment], b: tuple[int, Alignment], depth: float) -> Edge:
    """How two submaps lie to each other by one keyframe window; the graph may reject it like a loop."""
    (first, keyframes_on_a), (second, keyframes_on_b) = a, b
    a_from_b = keyframes_on_a.previous_from_current @ keyframes_on_b.previous_from_current.inverse()
    return Edge(first, second, a_from_b, combined_information(keyframes_on_a, keyframes_on_b, depth), loop=True)
