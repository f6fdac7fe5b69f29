"""How fast the core was while a run was measured: the CPU time that a fixed piece of work takes, again and again.

On a shared host the clock and the caches are not one's own: the same run, bit for bit, was seen to take 40 or 61 CPU
seconds. A probe beside the run, on the same cores, tells how much of a difference is the machine's.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import numpy as np

EVERY_S = 0.7  # between two probes, of some 10 ms each
_SIDE, _PRODUCTS, _STEPS = 192, 8, 40_000


class PaceMeter:
    """Probes in a thread of its own while the block runs; `probe_ms` is the mean CPU time of a probe then."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._took: list[float] = []
        self._matrix = np.random.default_rng(0).random((_SIDE, _SIDE))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def probe_ms(self) -> float:
        """The mean over all probes, in milliseconds of CPU time."""
        return 1000 * float(np.mean(self._took))

    def _probe(self) -> None:
        while not self._took or not self._ended.wait(self._every_s):
            start = time.thread_time()
            for _ in range(_PRODUCTS):
                self._matrix @ self._matrix
            sum(k * k for k in range(_STEPS))
            self._took.append(time.thread_time() - start)
