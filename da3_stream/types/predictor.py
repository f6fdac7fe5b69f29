"""The interface of a predictor: the one required method, and the optional attributes and methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .frames import Frame
from .window import WindowGeometry


class Predictor(Protocol):
    """An object that estimates the geometry of frames. Only `predict` is required; `predictors.adapter` has defaults.

    Attributes that describe it: `name` (default: that of its class), `hash` (of its weights), `facts`, `timings` and
    `camera` (dictionaries for run.json: its software and device, CPU seconds by kind of work in processes of its own,
    the lens parameters), `is_metric` (its windows are in metres), `gives_descriptors` and `gives_gaussians` (with
    every window).

    Attributes for the caller: `window_size` and `window_overlap` (its own defaults), `image_side` (longest side of its
    input in pixels, so that the reader can shrink frames at once), `in_flight` (windows that may be submitted at once,
    default 1; it is read before each submission, and results are taken in order), `learns` (whether what a window
    teaches it may still change the geometry of later ones; default: whether it has `state`; once False it stays so, and
    is read after each window: only then can windows be predicted apart from each other, in any order).

    Optional methods: `predict_pair(first, second) -> WindowGeometry` (the geometry of two neighbourhoods of frames, far
    apart in time, that may show the same place, rows in the order [*first, *second]; default: `predict` of that list);
    `predict_keyframes(frames) -> WindowGeometry` (the geometry of frames out of several windows, which teach it
    nothing; default: `predict`); `prepare(frames)` (called for every window in order, just before it is submitted: a
    predictor that learns from window to window does so in this order; not called for loop checks and keyframes);
    `state()` and `restore(state)` (what must survive a kill: dicts, lists, numbers, strings and arrays); `close()`.
    """

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Geometry of the frames, rows in the order given."""
        ...


class KeyframePredictor(Protocol):
    """A predictor with a method of its own for keyframe windows, see `Predictor`."""

    def predict_keyframes(self, frames: Sequence[Frame]) -> WindowGeometry:
        """Geometry of the frames, rows in the order given."""
        ...


class PairPredictor(Protocol):
    """A predictor with a method of its own for loop checks, see `Predictor`."""

    def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
        """Geometry of both neighbourhoods, rows in the order [*first, *second]."""
        ...
