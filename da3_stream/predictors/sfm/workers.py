"""Processes that work on single-threaded pieces, and what they have found so far."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .features import Keypoints, extract_keypoints
from .mapping import remove_left_folders
from .pairs import Matches, match_chunk, window_pairs

CHUNK = 8  # frames that one piece of work looks at
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}

Gray = NDArray[np.uint8]
Pair = tuple[int, int]
Result = TypeVar("Result")


class Piece(Generic[Result]):
    """One piece of work that is being done elsewhere."""

    def __init__(self, future: Future[tuple[Result, float]]) -> None:
        self._future = future

    def result(self) -> Result:
        """Wait for it."""
        return self._future.result()[0]


class Workers:
    """A pool of processes; it starts at the first piece of work. loky needs no `if __name__ == "__main__"`."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.cpu_seconds: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.Lock()
        self._pool: Any = None

    def submit(self, work: Callable[..., Result], *args: Any) -> Piece[Result]:
        """Have one piece of work done; its CPU time is added up under the name of the function."""
        with self._lock:
            if self._pool is None:
                from loky import ProcessPoolExecutor
                from loky.backend.context import get_context

                remove_left_folders()
                self._pool = ProcessPoolExecutor(self.count, context=get_context("loky"), env=ONE_THREAD)
            future = self._pool.submit(_timed, work, *args)
        future.add_done_callback(lambda done: self._count(work.__name__, done))
        return Piece(future)

    def _count(self, name: str, done: Future[tuple[Any, float]]) -> None:
        if not done.cancelled() and done.exception() is None:
            with self._lock:
                self.cpu_seconds[name] += done.result()[1]

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, kill_workers=True)


def _timed(work: Callable[..., Result], *args: Any) -> tuple[Result, float]:
    start = time.process_time()
    result = work(*args)
    return result, time.process_time() - start


class Findings:
    """Key points and matches of one video, each computed once per frame and pair however many windows hold them.

    Those of the last `remembered` windows are kept.
    """

    def __init__(self, workers: Workers, remembered: int) -> None:
        self._workers = workers
        self._lock = threading.Lock()
        self._keypoints: dict[int, tuple[Piece[list[Keypoints]], int]] = {}
        self._matches: dict[Pair, Piece[dict[Pair, Matches]]] = {}
        self._recent: deque[set[int]] = deque(maxlen=remembered)

    def of(self, indices: Sequence[int], grays: Sequence[Gray]) -> tuple[list[Keypoints], dict[Pair, Matches]]:
        """Key points of the frames, and the matches of the window's pairs keyed by rows."""
        self._ask_keypoints(indices, grays)
        keypoints = [piece.result()[place] for piece, place in (self._keypoints[index] for index in indices)]
        rows = window_pairs(indices)
        pairs = {pair: (indices[pair[0]], indices[pair[1]]) for pair in rows}
        self._ask_matches(sorted(pairs.values(), key=lambda pair: pair[1]), dict(zip(indices, keypoints, strict=True)))
        found = {pair: self._matches[key] for pair, key in pairs.items()}
        return keypoints, {pair: piece.result()[pairs[pair]] for pair, piece in found.items()}

    def _ask_keypoints(self, indices: Sequence[int], grays: Sequence[Gray]) -> None:
        with self._lock:
            self._recent.append(set(indices))
            self._forget()
            missing = [row for row, index in enumerate(indices) if index not in self._keypoints]
            for chunk in chunks(missing, CHUNK):
                piece = self._workers.submit(extract_keypoints, [grays[row] for row in chunk])
                self._keypoints.update({indices[row]: (piece, place) for place, row in enumerate(chunk)})

    def _ask_matches(self, pairs: Sequence[Pair], keypoints: dict[int, Keypoints]) -> None:
        with self._lock:
            missing = [pair for pair in pairs if pair not in self._matches]
            for chunk in chunks(missing, 8 * CHUNK):
                needed = {index: keypoints[index] for pair in chunk for index in pair}
                piece = self._workers.submit(match_chunk, needed, chunk)
                self._matches.update({pair: piece for pair in chunk})

    def _forget(self) -> None:
        """Drop what no recent window holds."""
        recent = set().union(*self._recent)
        self._keypoints = {index: found for index, found in self._keypoints.items() if index in recent}
        self._matches = {pair: found for pair, found in self._matches.items() if recent.issuperset(pair)}


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Consecutive pieces of at most `size` items."""
    return [items[i : i + size] for i in range(0, len(items), size)]
