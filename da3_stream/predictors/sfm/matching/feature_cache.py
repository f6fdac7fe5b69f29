"""Keypoints and matches of a video's last frames, each computed once however many windows share the frames."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....geometry.keypoints import MAX_KEYPOINTS, Keypoints, extract_keypoints
from ....geometry.masks import Mask
from ..processes.workers import Workers, chunks
from .pairs import Matches, match_chunk

CHUNK = 8  # frames whose keypoints one piece of work extracts
PAIRS = 64  # pairs of frames that one piece of work matches

Gray = NDArray[np.uint8]
Pair = tuple[int, int]
Image = tuple[Gray, Mask | None]
InChunk = tuple[Future[list[Keypoints]], int]  # the keypoints of several frames, and which of them
PairMatches = Future[dict[Pair, Matches]]


class FeatureCache:
    """Keypoints and matches by frame index, for the frames of the last `windows` windows.

    What failed in a piece of work that another window submitted is submitted again: whether a window fails must not
    depend on which one came first.
    """

    def __init__(self, workers: Workers, windows: int, keypoints: int = MAX_KEYPOINTS) -> None:
        """`keypoints` are extracted of a frame, at most."""
        self._workers, self._most = workers, keypoints
        self._lock = threading.Lock()
        self._keypoints: dict[int, InChunk] = {}
        self._matches: dict[Pair, PairMatches] = {}
        self._recent: deque[set[int]] = deque(maxlen=windows)

    def get(
        self, indices: Sequence[int], images: Sequence[Image], rows: Sequence[Pair]
    ) -> tuple[list[Keypoints], dict[Pair, Matches]]:
        """Keypoints of the frames (gray images with their masks), and the matches of these pairs of rows, keyed by
        them."""
        keypoints = self._get_keypoints(dict(zip(indices, images, strict=True)))
        pairs = {pair: (indices[pair[0]], indices[pair[1]]) for pair in rows}
        matches = self._get_matches(sorted(pairs.values(), key=lambda pair: pair[1]), keypoints)
        return [keypoints[index] for index in indices], {pair: matches[key] for pair, key in pairs.items()}

    def _get_keypoints(self, images: Mapping[int, Image]) -> dict[int, Keypoints]:
        with self._lock:
            self._recent.append(set(images))
            self._forget()
            held = {index: self._keypoints[index] for index in images if index in self._keypoints}
            submitted = self._submit_keypoints(images, [index for index in images if index not in held])
        failed = [index for index, (future, _) in held.items() if _fails(future)]
        with self._lock:
            futures = {**held, **submitted, **self._submit_keypoints(images, failed)}
        return {index: future.result()[place] for index, (future, place) in futures.items()}

    def _get_matches(self, pairs: Sequence[Pair], keypoints: Mapping[int, Keypoints]) -> dict[Pair, Matches]:
        with self._lock:
            held = {pair: self._matches[pair] for pair in pairs if pair in self._matches}
            submitted = self._submit_matches(keypoints, [pair for pair in pairs if pair not in held])
        failed = [pair for pair, future in held.items() if _fails(future)]
        with self._lock:
            futures = {**held, **submitted, **self._submit_matches(keypoints, failed)}
        return {pair: future.result()[pair] for pair, future in futures.items()}

    def _submit_keypoints(self, images: Mapping[int, Image], missing: Sequence[int]) -> dict[int, InChunk]:
        submitted: dict[int, InChunk] = {}
        for chunk in chunks(missing, CHUNK):
            grays, masks = zip(*(images[index] for index in chunk), strict=True)
            future = self._workers.submit(extract_keypoints, grays, masks, self._most)
            submitted |= {index: (future, place) for place, index in enumerate(chunk)}
        self._keypoints |= submitted
        return submitted

    def _submit_matches(self, keypoints: Mapping[int, Keypoints], missing: Sequence[Pair]) -> dict[Pair, PairMatches]:
        submitted: dict[Pair, PairMatches] = {}
        for chunk in chunks(missing, PAIRS):
            needed = {index: keypoints[index] for pair in chunk for index in pair}
            submitted |= dict.fromkeys(chunk, self._workers.submit(match_chunk, needed, chunk))
        self._matches |= submitted
        return submitted

    def _forget(self) -> None:
        """Drop frames of no recent window."""
        recent = set().union(*self._recent)
        self._keypoints = {index: kept for index, kept in self._keypoints.items() if index in recent}
        self._matches = {pair: kept for pair, kept in self._matches.items() if recent.issuperset(pair)}


def _fails(future: Future[Any]) -> bool:
    """Wait for a piece of work; whether it failed in whichever way."""
    try:
        future.result()
    except Exception:
        return True
    return False
