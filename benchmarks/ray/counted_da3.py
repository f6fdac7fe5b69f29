"""A small Depth Anything 3 with seeded weights, that notes how many frames went through its per-frame layers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from da3_stream.da3 import DepthAnything3
from da3_stream.predictors.da3 import Da3Predictor
from da3_stream.types import Frame, UInt8, WindowGeometry

WINDOW, OVERLAP, SIDE = 12, 4, 56
PART = "tokens"  # what the per-frame layers give, see da3/network/branch


class CountedDa3:
    """The predictor of a checkpoint's folder. It is made again where it is sent to."""

    window_size, window_overlap = WINDOW, OVERLAP

    def __init__(self, checkpoint: Path, notes: Path) -> None:
        model = DepthAnything3.from_pretrained(checkpoint, "cpu", cache_frames=OVERLAP)
        self._made_of, self._inner, self._notes = (checkpoint, notes), Da3Predictor(model, resolution=SIDE), notes
        self._cache, self._rows = model._cache, model._cache.rows
        self._cache.rows = self._counted  # type: ignore[method-assign]

    def __reduce__(self) -> Any:
        return CountedDa3, self._made_of

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        """See `Da3Predictor`."""
        return self._inner.predict(frames)

    def _counted(self, part: str, keys: Any, compute: Any, **options: Any) -> Any:
        def computing(places: list[int]) -> Any:
            if part == PART:
                _append(self._notes, len(places))
            return compute(places)

        return self._rows(part, keys, computing, **options)


def _append(notes: Path, count: int) -> None:
    file = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, f"{count}\n".encode())
    os.close(file)


def passes(notes: Path) -> int:
    """How many frames were computed, over all processes."""
    return sum(map(int, notes.read_text().split()))


def pictures(count: int) -> list[UInt8]:
    """Pictures that move a little."""
    wide = np.random.default_rng(0).integers(0, 255, (42, 56 + count, 3), np.uint8)
    return [wide[:, k : k + 56].copy() for k in range(count)]
