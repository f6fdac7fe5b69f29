"""Checkouts of the package beside each other: files of a commit, what their program is run with, a hash of it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from benchmarks.tables import ROOT


def check_out(commit: str, folder: Path, repository: Path = ROOT) -> Path:
    """The files of a commit in a folder, without a working tree that git would have to know of.

    Raises SystemExit with one sentence where the repository does not have the commit.
    """
    words = ["git", "archive", "--format=tar", commit]
    found = subprocess.run(words, cwd=repository, capture_output=True)
    if found.returncode:
        said = found.stderr.decode().strip().splitlines()[-1:]
        raise SystemExit(f"no checkout of {commit}: {' '.join(said)}; give another commit, or a checkout's folder")
    with tarfile.open(fileobj=BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def environment(code: Path) -> dict[str, str]:
    """What the program of a checkout is run with, whatever is installed: one thread for each numerical library."""
    return {**os.environ, "PYTHONPATH": str(code), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def code_hash(code: Path, rooms: Sequence[str] = ("",)) -> str:
    """A hash of a checkout's package, or of some of its rooms."""
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((code / "da3_stream" / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
