"""Submaps whose scale in the map is not what they themselves tell of it: by the camera's height, or by a metric model.

Without such observations nothing tells a scale that wanders: a map that grows with its steps looks the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...store import Scene
from ...types import Advice, AdviceCode, ScaleObservation

Array = NDArray[np.float64]

FEWEST = 3  # submaps of a segment: of two that differ nobody knows which is right
SIGMAS = 4.0
LEAST = 0.1  # log ratio that matters


def wandering_scale(scene: Scene, observations: Sequence[ScaleObservation]) -> list[Advice]:
    """A row for every submap whose scale is surely off the one that most of its segment agrees on."""
    found = []
    for segment in scene.segments():
        for source in sorted({observation.source for observation in observations}):
            told = [o for o in observations if o.source == source and scene.submaps[o.submap].segment == segment]
            found += [_advice(scene, source, *of_submap) for of_submap in _off(scene, told)]
    return found


def _off(scene: Scene, told: Sequence[ScaleObservation]) -> Iterable[tuple[int, float]]:
    """The submaps that are off, each with the log ratio of its scale in the map to that observed."""
    if len(told) < FEWEST:
        return ()
    in_map = np.log([scene.submaps[o.submap].world_from_window.scale for o in told])
    off = in_map - np.array([o.log_scale for o in told])
    off -= np.median(off)
    sigma = np.array([o.sigma for o in told])
    beyond = np.abs(off) > np.maximum(LEAST, SIGMAS * np.hypot(sigma, np.median(sigma) / np.sqrt(len(told))))
    return [(told[k].submap, float(off[k])) for k in np.flatnonzero(beyond).tolist()]


def _advice(scene: Scene, source: str, submap: int, off: float) -> Advice:
    text = (
        f"by the {source} the map is {float(np.exp(abs(off))):.2f} times too {'large' if off > 0 else 'small'} here, "
        "beside the rest: come back to a place seen before, or give the camera's height (--camera-height)"
    )
    return Advice(AdviceCode.SCALE_WANDERS, text, *scene.submaps[submap].frames)
