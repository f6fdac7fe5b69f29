"""Signals that a child must hear."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heard(number: signal.Signals) -> Iterator[None]:
    """Children that are started in the block hear a signal, also where this process ignores it and they would inherit
    that: a shell starts what it does not wait for with Ctrl-C ignored."""
    before = signal.getsignal(number)
    if before is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(number, before)
