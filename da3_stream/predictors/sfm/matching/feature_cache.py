"""What is known of a video's last frames: key points and matches, each looked for once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....geometry.keypoints import Keypoints, extract_keypoints
from ..processes.workers import Piece, Workers, chunks
from .pairs import Matches, match_chunk

CHUNK = 8  # frames that one piece of work looks at
PAIRS = 64  # pairs of frames that one piece of work matches

Gray = NDArray[np.uint8]
Pair = tuple[int, int]
InPiece = tuple[Piece[list[Keypoints]], int]  # the piece of work, and the place in its result


class Findings:
    """Key points and matches by frame index, each computed once however many windows hold them.

    Those of the last `remembered` windows are kept. What failed when it was asked for another window, with frames of
    that, is asked for again: whether a window fails must not depend on which one came first.
    """

    def __init__(self, workers: Workers, remembered: int) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._keypoints: dict[int, InPiece] = {}
        self._matches: dict[Pair, Piece[dict[Pair, Matches]]] = {}
        self._recent: deque[set[int]] = deque(maxlen=remembered)

    def of(
        self, indices: Sequence[int], grays: Sequence[Gray], rows: Sequence[Pair]
    ) -> tuple[list[Keypoints], dict[Pair, Matches]]:
        """Key points of the frames, and the matches of these pairs of rows, keyed by them."""
        keypoints = self._keypoints_of(dict(zip(indices, grays, strict=True)))
        pairs = {pair: (indices[pair[0]], indices[pair[1]]) for pair in rows}
        matches = self._matches_of(sorted(pairs.values(), key=lambda pair: pair[1]), keypoints)
        return [keypoints[index] for index in indices], {pair: matches[key] for pair, key in pairs.items()}

    def _keypoints_of(self, grays: Mapping[int, Gray]) -> dict[int, Keypoints]:
        with self._lock:
            self._recent.append(set(grays))
            self._forget()
            others = {index: self._keypoints[index] for index in grays if index in self._keypoints}
            asked = self._ask_keypoints(grays, [index for index in grays if index not in others])
        failed = [index for index, (piece, _) in others.items() if _fails(piece)]
        with self._lock:
            asked = {**others, **asked, **self._ask_keypoints(grays, failed)}
        return {index: piece.result()[place] for index, (piece, place) in asked.items()}

    def _matches_of(self, pairs: Sequence[Pair], keypoints: Mapping[int, Keypoints]) -> dict[Pair, Matches]:
        with self._lock:
            others = {pair: self._matches[pair] for pair in pairs if pair in self._matches}
            asked = self._ask_matches(keypoints, [pair for pair in pairs if pair not in others])
        failed = [pair for pair, piece in others.items() if _fails(piece)]
        with self._lock:
            asked = {**others, **asked, **self._ask_matches(keypoints, failed)}
        return {pair: piece.result()[pair] for pair, piece in asked.items()}

    def _ask_keypoints(self, grays: Mapping[int, Gray], missing: Sequence[int]) -> dict[int, InPiece]:
        asked: dict[int, InPiece] = {}
        for chunk in chunks(missing, CHUNK):
            piece = self._workers.submit(extract_keypoints, [grays[index] for index in chunk])
            asked |= {index: (piece, place) for place, index in enumerate(chunk)}
        self._keypoints |= asked
        return asked

    def _ask_matches(
        self, keypoints: Mapping[int, Keypoints], missing: Sequence[Pair]
    ) -> dict[Pair, Piece[dict[Pair, Matches]]]:
        asked: dict[Pair, Piece[dict[Pair, Matches]]] = {}
        for chunk in chunks(missing, PAIRS):
            needed = {index: keypoints[index] for pair in chunk for index in pair}
            asked |= dict.fromkeys(chunk, self._workers.submit(match_chunk, needed, chunk))
        self._matches |= asked
        return asked

    def _forget(self) -> None:
        """Drop what no recent window holds."""
        recent = set().union(*self._recent)
        self._keypoints = {index: found for index, found in self._keypoints.items() if index in recent}
        self._matches = {pair: found for pair, found in self._matches.items() if recent.issuperset(pair)}


def _fails(piece: Piece[Any]) -> bool:
    """Wait for a piece of work; whether it failed in whichever way."""
    try:
        piece.result()
    except Exception:
        return True
    return False
