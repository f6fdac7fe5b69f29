"""The interface of a predictor: the one required method, and the optional attributes and methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .frames import Frame
from .window import WindowGeometry


class Predictor(Protocol):
    """Whatever turns frames into geometry. It needs `predict` only; `predictors.adapter` has defaults for the rest.

    What it says of itself: `name` (default: that of its class), `hash` (of its weights), `facts`, `timings` and
    `camera` (dictionaries for run.json: what computes, CPU seconds by kind of work, what is known of the lens),
    `is_metric` (its windows are in metres), `gives_descriptors` (with every window).

    How it wants to be used: `window_size` and `window_overlap` (its own defaults), `image_side` (longest side in pixels
    that it looks at, so that the reader can shrink frames at once), `in_flight` (windows that may be submitted at once,
    default 1; it is read before each submission, and results are taken in order).

    What else it can do: `predict_pair(first, second) -> WindowGeometry`, a loop check: two neighbourhoods, from far
    apart in time, that may show one place, rows in the order [*first, *second] (default: `predict` of that list);
    `prepare(frames)` (called for every window in order, just before it is submitted: a predictor that learns from
    window to window does so in this order; not called for loop checks); `state()` and `restore(state)` (what must
    survive a kill: dicts, lists, numbers, texts and arrays); `close()`.
    """

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Geometry of the frames, rows in the order given."""
        ...


class PairPredictor(Protocol):
    """Whatever can look at two places together, see `Predictor`."""

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """Geometry of both neighbourhoods, rows in the order [*first, *second]."""
        ...
