"""Windows in order -> loop candidates: the part of the back-end that looks at every key frame once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..settings import LoopsSettings
from ..types import Float32, LoopCandidate, WindowGeometry
from .descriptor import DescriptorExtractor
from .index import PlaceIndex
from .keyframes import KeyFrame, Odometer
from .sequences import Hit, Run, Runs, Spacing, islands

MIN_TRAVEL = 3.0  # depths to the nearest frame that can be found: before that it is still the same view
MIN_PLACES = 16  # findable entries before what is usual can be told
USUAL_PLACES = 64  # entries, evenly spaced, that tell it
MOST_HITS = 128
CONTRASTS = 50  # of the last key frames, whose median is the likeness of neighbours
SPACING_REACHES = 1.5  # neighbourhoods of candidates may overlap by so much


@dataclass(frozen=True)
class Progress:
    """What the finder must remember beside its index."""

    records: int = 0
    odometer: Odometer = Odometer()
    runs: Runs = Runs()
    number: int = 0  # key frames with a descriptor
    contrasts: tuple[float, ...] = ()


class LoopFinder:
    """Called window by window; what it gives depends on the windows alone.

    Likeness is measured between what is usual (the median over places all along the way, 0) and neighbouring key
    frames (1), so that one threshold serves all descriptors (after Galvez-Lopez and Tardos, TRO 2012, equation 2).
    """

    def __init__(self, describer: DescriptorExtractor, path: Path, settings: LoopsSettings) -> None:
        """`path` is the file of the index, created when the first descriptor is known."""
        self._describer, self._path, self._settings = describer, path, settings
        self._spacing = Spacing(settings.spacing, round(SPACING_REACHES * settings.reach), settings.most_per_place)
        self._index: PlaceIndex | None = None
        self._now = Progress()

    def add(self, window: WindowGeometry) -> list[LoopCandidate]:
        """The candidates that a window brings, best first; their later frames are its own or just before."""
        now, first = self._now, int(window.frame_indices[0])
        odometer, found = now.odometer.advanced(window)
        keys, vectors = self._described(window, found)
        now = self._searched(replace(now, odometer=odometer), keys, vectors, first)
        runs, candidates = now.runs.candidates(self._spacing, self._settings.most_per_window)
        if odometer.key is not None:
            runs = runs.trimmed(odometer.key, now.number, self._spacing)
        self._now = replace(now, runs=runs)
        return candidates

    def state(self) -> dict[str, Any]:
        """What must survive a kill, ready for JSON."""
        return asdict(self._now)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; what was written after it is dropped."""
        self._now = Progress(
            state["records"],
            _odometer(state["odometer"]),
            Runs(
                tuple(Run(tuple(map(_hit, run["hits"])), run["length"]) for run in state["runs"]["open"]),
                tuple(map(_hit, state["runs"]["taken"])),
            ),
            state["number"],
            tuple(state["contrasts"]),
        )
        if self._index is not None:
            self._index.cut(self._now.records)

    def close(self) -> None:
        """Close the index."""
        if self._index is not None:
            self._index.close()

    def _described(
        self, window: WindowGeometry, found: Sequence[tuple[int, KeyFrame]]
    ) -> tuple[list[KeyFrame], Float32]:
        """The key frames that have a descriptor, and these."""
        if not found:
            return [], np.zeros((0, 1), np.float32)
        rows = np.array([row for row, _ in found], np.int64)
        vectors = self._describer.describe(window, rows)
        good = np.flatnonzero(np.isfinite(vectors[:, 0]))
        return [found[int(k)][1] for k in good], vectors[good]

    def _opened(self, dimension: int) -> PlaceIndex:
        if self._index is None:
            self._index = PlaceIndex(self._path, dimension)
            self._index.cut(self._now.records)
        return self._index

    def _searched(self, now: Progress, keys: list[KeyFrame], vectors: Float32, first: int) -> Progress:
        """Put key frames into the index and follow their runs; those from frame `first` on cannot be found."""
        if not keys:
            return now
        index = self._opened(vectors.shape[1])
        before = index.vectors(np.array([now.records - 1])) if now.records else vectors[:1]
        index.append(keys, vectors)
        neighbours = np.einsum("nd,nd->n", vectors, np.concatenate([before, vectors[:-1]]))
        for key, vector, neighbour in zip(keys, vectors, neighbours, strict=True):
            _release(index, key, first)
            now = self._followed(index, now, key, vector, float(neighbour))
        return replace(now, records=len(index))

    def _followed(self, index: PlaceIndex, now: Progress, key: KeyFrame, vector: Float32, neighbour: float) -> Progress:
        number = now.number + 1
        if index.findable < MIN_PLACES:
            return replace(now, number=number)
        usual = float(np.median(index.vectors(_spread(index.findable)) @ vector))
        contrasts = (*now.contrasts, neighbour - usual)[-CONTRASTS:]
        contrast = max(float(np.median(contrasts)), 1e-6)
        found = index.search(vector[None], MOST_HITS)[0]
        likeness = (found.similarities - usual) / contrast
        hits = [
            Hit(key, number, index.key(int(entry)), float(like))
            for entry, like in zip(found.entries, likeness, strict=True)
            if like >= self._settings.min_similarity
        ]
        return replace(now, number=number, contrasts=contrasts, runs=now.runs.extended(islands(hits)))


def _release(index: PlaceIndex, key: KeyFrame, first: int) -> None:
    """Let those be found that lie far enough back and before the first frame of this window, which knows its own."""
    count = index.findable
    while count < len(index):
        older = index.key(count)
        if older.frame >= first or key.travel - older.travel < MIN_TRAVEL:
            break
        count += 1
    index.release(count)


def _spread(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, USUAL_PLACES)).astype(np.int64))


def _odometer(state: dict[str, Any]) -> Odometer:
    return Odometer(**{**state, "key": KeyFrame(**state["key"]) if state["key"] else None})


def _hit(state: dict[str, Any]) -> Hit:
    return Hit(KeyFrame(**state["later"]), state["number"], KeyFrame(**state["earlier"]), state["similarity"])
