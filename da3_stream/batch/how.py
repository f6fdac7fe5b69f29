"""How a batch goes about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..progress import Listener, ignore

RETRIES = 2


@dataclass(frozen=True)
class How:
    """How often a crash is tried again, how many runs there are at once at most (None: as many as fit), whether all
    begins anew, where else the summary is written, whether people are shown how far it is, and who else hears it."""

    retries: int = RETRIES
    most_at_once: int | None = None
    overwrite: bool = False
    summary: Path | None = None
    sent_to: str | None = None  # the address that finished runs go to, and then leave this disk
    shown: bool = False
    listener: Listener = ignore
