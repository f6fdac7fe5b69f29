"""Now and then a window of strided key frames over the last windows: it ties those together that share no frame."""

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
from ..types import Alignment, Predictor, Status, WindowGeometry
from .loop_closing import LoopResult
from .submaps import SubmapStore
from .update import Event

log = logging.getLogger(__name__)

FEWEST = 4  # key frames of a submap by which it can be aligned


@dataclass(frozen=True)
class KeyframeWindows:
    """Every so many windows (0: never), so many frames evenly from all of them go through the predictor once more."""

    every: int
    size: int
    submaps: SubmapStore
    predictor: Predictor

    def process(self, window: int) -> LoopResult:
        """What a key window after this window says; nothing where none is due. Only a lost device ends a run."""
        if not self.every or (window + 1) % self.every:
            return LoopResult()
        try:
            return self._found(window)
        except DeviceLostError:
            raise
        except Exception as error:
            log.warning("a look at key frames failed: %s", error, exc_info=True)
            return LoopResult(events=(Event("key window", {"window": window, "failed": str(error)}),))

    def _found(self, window: int) -> LoopResult:
        submaps = [
            k for k, submap in enumerate(self.submaps.scene.submaps) if window - self.every < submap.window <= window
        ]
        owned = [self.submaps.submaps[k].frame_indices[self.submaps.submaps[k].owned] for k in submaps]
        frames = self.submaps.frames(_strided(np.concatenate(owned), self.size).tolist())
        key = self.predictor.predict(frames).check(frames)
        fits = [] if key.status is not Status.OK or key.breaks else self._alignments(submaps, key)
        edges = tuple(_edge(a, b, scene_depth(key)) for a, b in pairwise(fits))
        told = {"window": window, "frames": len(frames), "status": key.status.value, "aligned": [k for k, _ in fits]}
        return LoopResult(edges, (Event("key window", told),))

    def _alignments(self, submaps: Sequence[int], key: WindowGeometry) -> list[tuple[int, Alignment]]:
        """The submaps on which the key window lies surely, and how."""
        fits = []
        for submap in submaps:
            stored = self.submaps.geometry(submap)
            shared = np.isin(key.frame_indices, stored.frame_indices).sum()
            if shared < FEWEST or stored.depth.shape[1:] != key.depth.shape[1:]:
                continue
            alignment = align_windows(stored, key)
            if alignment.status is Status.OK:
                fits.append((submap, alignment))
        return fits


def _strided(frames: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most so many, evenly."""
    return frames[np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(np.int64))]


def _edge(a: tuple[int, Alignment], b: tuple[int, Alignment], depth: float) -> Edge:
    """How two submaps lie to each other by one key window; as it may be wrong, the graph may refuse it like a loop."""
    (first, fit_a), (second, fit_b) = a, b
    a_from_b = fit_a.previous_from_current @ fit_b.previous_from_current.inverse()
    return Edge(first, second, a_from_b, combined_information(fit_a, fit_b, depth), loop=True)
