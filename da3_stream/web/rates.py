"""How many requests each address may send: a bucket of tokens for each that was heard lately."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from .limits import Limits

_MOST_ADDRESSES = 4096


class Rates:
    """Counts for all threads of a server."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when that was

    def admits(self, address: str) -> bool:
        """Whether one more request of an address is within its rate; it is counted then."""
        now, limits = time.monotonic(), self._limits
        with self._lock:
            left, then = self._buckets.pop(address, (float(limits.burst), now))
            left = min(left + (now - then) * limits.requests_per_s, limits.burst)
            admitted = left >= 1
            self._buckets[address] = (left - admitted, now)
            if len(self._buckets) > _MOST_ADDRESSES:
                self._buckets.popitem(last=False)
        return admitted
