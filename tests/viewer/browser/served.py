"""`da3-stream view` as a process of its own, as people start it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.signals import heard

ADDRESS = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Served:
    """A run that is being looked at: where, and the server's process."""

    address: str
    run: Path
    process: subprocess.Popen[str]


@contextmanager
def view(run: Path, port: str = "0") -> Iterator[Served]:
    """The server of a run on a port, 0: any free one; it gets Ctrl-C at the end of the block."""
    words = [sys.executable, "-m", "da3_stream", "view", str(run), "--port", port, "--no-open"]
    with heard(signal.SIGINT), subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            found = ADDRESS.search(line)
            assert found, f"expected a line with the address, not {line!r}"
            yield Served(found[0], run, process)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
