"""Windows in order -> loop candidates. Every keyframe is described and searched for once."""

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
from .keyframes import Keyframe, Odometer
from .sequences import Hit, MatchSequence, MatchSequences, Spacing, islands

MIN_DISTANCE = 3.0  # depths to the nearest keyframe that can be found: one closer by still shows the same view
MIN_ENTRIES = 16  # findable entries from which the usual similarity can be told
SAMPLED_ENTRIES = 64  # entries, evenly spaced, of which it is the median
MAX_HITS = 128
CONTRASTS = 50  # of the last keyframes: their median is how much more alike neighbours are than usual
SPACING_REACHES = 1.5  # reaches between two candidates: their neighbourhoods may overlap a little


@dataclass(frozen=True)
class FinderState:
    """What the finder knows beside its index."""

    records: int = 0
    odometer: Odometer = Odometer()
    sequences: MatchSequences = MatchSequences()
    number: int = 0  # keyframes with a descriptor
    contrasts: tuple[float, ...] = ()


class LoopFinder:
    """Called window by window; what it gives depends on the windows alone.

    Similarity is normalized: 0 is the usual one (the median over keyframes all along the path), 1 that of neighbouring
    keyframes, so that one threshold serves all descriptors (after Galvez-Lopez and Tardos, TRO 2012, equation 2).
    """

    def __init__(self, extractor: DescriptorExtractor, path: Path, settings: LoopsSettings) -> None:
        """`path` is the file of the index, created when the first descriptor is known."""
        self._extractor, self._path, self._settings = extractor, path, settings
        self._spacing = Spacing(settings.spacing, round(SPACING_REACHES * settings.reach), settings.most_per_place)
        self._index: PlaceIndex | None = None
        self._state = FinderState()

    def add(self, window: WindowGeometry) -> list[LoopCandidate]:
        """The candidates that a window brings, best first; their later frames are in this window or just before it."""
        state, first = self._state, int(window.frame_indices[0])
        odometer, new = state.odometer.advance(window)
        keyframes, vectors = self._extract(window, new)
        state = self._search(replace(state, odometer=odometer), keyframes, vectors, first)
        sequences, candidates = state.sequences.candidates(self._spacing, self._settings.most_per_window)
        if odometer.keyframe is not None:
            sequences = sequences.trim(odometer.keyframe, state.number, self._spacing)
        self._state = replace(state, sequences=sequences)
        return candidates

    def state(self) -> dict[str, Any]:
        """What must survive a kill, ready for JSON."""
        return asdict(self._state)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; entries that were written after it are dropped."""
        self._state = FinderState(
            state["records"],
            _odometer(state["odometer"]),
            MatchSequences(
                tuple(
                    MatchSequence(tuple(map(_hit, sequence["hits"])), sequence["length"])
                    for sequence in state["sequences"]["open"]
                ),
                tuple(map(_hit, state["sequences"]["taken"])),
            ),
            state["number"],
            tuple(state["contrasts"]),
        )
        if self._index is not None:
            self._index.truncate(self._state.records)

    def close(self) -> None:
        """Close the index."""
        if self._index is not None:
            self._index.close()

    def _extract(self, window: WindowGeometry, new: Sequence[tuple[int, Keyframe]]) -> tuple[list[Keyframe], Float32]:
        """The new keyframes that have a descriptor, and their descriptors [n,D]."""
        if not new:
            return [], np.zeros((0, 1), np.float32)
        rows = np.array([row for row, _ in new], np.int64)
        vectors = self._extractor.extract(window, rows)
        good = np.flatnonzero(np.isfinite(vectors[:, 0]))
        return [new[int(k)][1] for k in good], vectors[good]

    def _open_index(self, dimension: int) -> PlaceIndex:
        if self._index is None:
            self._index = PlaceIndex(self._path, dimension)
            self._index.truncate(self._state.records)
        return self._index

    def _search(self, state: FinderState, keyframes: list[Keyframe], vectors: Float32, first: int) -> FinderState:
        """Put keyframes into the index and search for each; those from frame `first` on cannot be found."""
        if not keyframes:
            return state
        index = self._open_index(vectors.shape[1])
        before = index.vectors(np.array([state.records - 1])) if state.records else vectors[:1]
        index.append(keyframes, vectors)
        neighbours = np.einsum("nd,nd->n", vectors, np.concatenate([before, vectors[:-1]]))
        for keyframe, vector, neighbour in zip(keyframes, vectors, neighbours, strict=True):
            _release(index, keyframe, first)
            state = self._match(index, state, keyframe, vector, float(neighbour))
        return replace(state, records=len(index))

    def _match(
        self, index: PlaceIndex, state: FinderState, keyframe: Keyframe, vector: Float32, neighbour: float
    ) -> FinderState:
        """Search for one keyframe, whose similarity to the one before it is `neighbour`, and extend the sequences."""
        number = state.number + 1
        if index.findable < MIN_ENTRIES:
            return replace(state, number=number)
        usual = float(np.median(index.vectors(_spaced_entries(index.findable)) @ vector))
        contrasts = (*state.contrasts, neighbour - usual)[-CONTRASTS:]
        contrast = max(float(np.median(contrasts)), 1e-6)
        neighbours = index.search(vector[None], MAX_HITS)[0]
        similarities = (neighbours.similarities - usual) / contrast
        hits = [
            Hit(keyframe, number, index.keyframe(int(entry)), float(similarity))
            for entry, similarity in zip(neighbours.entries, similarities, strict=True)
            if similarity >= self._settings.min_similarity
        ]
        return replace(state, number=number, contrasts=contrasts, sequences=state.sequences.extend(islands(hits)))


def _release(index: PlaceIndex, keyframe: Keyframe, first: int) -> None:
    """Let entries be found that lie far enough back, and before the first frame of this window: the prediction of the
    window ties its own frames to each other already."""
    count = index.findable
    while count < len(index):
        older = index.keyframe(count)
        if older.frame >= first or keyframe.distance - older.distance < MIN_DISTANCE:
            break
        count += 1
    index.release(count)


def _spaced_entries(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, SAMPLED_ENTRIES)).astype(np.int64))


def _odometer(state: dict[str, Any]) -> Odometer:
    return Odometer(**{**state, "keyframe": Keyframe(**state["keyframe"]) if state["keyframe"] else None})


def _hit(state: dict[str, Any]) -> Hit:
    return Hit(Keyframe(**state["later"]), state["number"], Keyframe(**state["earlier"]), state["similarity"])
