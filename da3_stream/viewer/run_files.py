"""When a run directory has changed, and whether somebody works in it: asked of the file system, without reading."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

Stamp = tuple[int, int, int] | None  # (modified in ns, bytes, inode), None where there is no file

_WATCHED = ("run.json", "scene.json", "journal.jsonl", "static_mask.png", "report.html", "export")
_LOCKS = Path("/proc/locks")
_FLOCK = re.compile(r"FLOCK .*?[0-9a-f]+:[0-9a-f]+:(\d+) ")


def stamp(path: Path) -> Stamp:
    """What changes when a file does."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino


def run_stamps(folder: Path) -> tuple[Stamp, ...]:
    """Of the files that tell of everything else in a run directory."""
    return tuple(stamp(folder / name) for name in _WATCHED)


def revision_of(*paths: Path) -> int:
    """A number for files as they are now, which others anywhere do not have: a browser may keep what it got."""
    text = repr([(str(path.absolute()), stamp(path)) for path in paths])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def is_locked(file: Path) -> bool | None:
    """Whether a process holds the lock on a file; None where that cannot be told without taking it."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        locks, inode = _LOCKS.read_text(), file.stat().st_ino
    except FileNotFoundError:
        return False if _LOCKS.exists() else None
    except OSError:
        return None
    return str(inode) in _FLOCK.findall(locks)
