"""A process that tells what it does as JSON lines, and that no end of ours leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from ..machine import held_bytes, processes_by_session

CHUNK = 1 << 16
LAST_LINES = 3  # of what is no JSON, such as a crash's last words
START = "import sys; from da3_stream.machine import end_with_parent; end_with_parent({parent}); {then}"
RUN = "sys.argv[0] = 'da3-stream'; from da3_stream.cli import main; main()"

Event = dict[str, Any]


class Child:
    """A Python process in a session of its own, so that Ctrl-C in a terminal does not reach it; the system kills it
    when the thread that made it ends."""

    def __init__(
        self, then: str, words: Sequence[str] = (), *, tells_on_stderr: bool = True, folder: str | None = None
    ) -> None:
        code = START.format(parent=os.getpid(), then=then)
        pipes = (subprocess.DEVNULL, subprocess.PIPE) if tells_on_stderr else (subprocess.PIPE, subprocess.DEVNULL)
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            stdin=subprocess.DEVNULL if tells_on_stderr else subprocess.PIPE,
            stdout=pipes[0],
            stderr=pipes[1],
            start_new_session=True,
            cwd=folder,
        )
        told = self._process.stderr or self._process.stdout
        assert told is not None
        self._told: IO[bytes] = told
        os.set_blocking(told.fileno(), False)
        self._begun = b""
        self.last_words: deque[str] = deque(maxlen=LAST_LINES)

    def news(self) -> list[Event]:
        """What it told since it was asked last; waits for nothing."""
        chunks = [self._begun]
        with suppress(BlockingIOError):
            while chunk := os.read(self._told.fileno(), CHUNK):
                chunks.append(chunk)
        *lines, self._begun = b"".join(chunks).split(b"\n")
        return [event for line in lines if (event := self._event(line.decode(errors="replace"))) is not None]

    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it goes on."""
        return self._process.poll()

    def ask(self, question: Event) -> None:
        """Send a line to a process that listens. Raises OSError if it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(question)}\n".encode())
        self._process.stdin.flush()

    def stop(self) -> None:
        """Ask it to end in order."""
        self._process.send_signal(signal.SIGTERM)

    def held_bytes(self, sessions: Mapping[int, Sequence[int]]) -> int:
        """Memory of the processes of its session."""
        return sum(map(held_bytes, sessions.get(self._process.pid, ())))

    def close(self) -> None:
        """End it, and whatever of its session goes on."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pid in processes_by_session().get(self._process.pid, ()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pipe in (self._process.stdin, self._told):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _event(self, line: str) -> Event | None:
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                return event
        if line.strip():
            self.last_words.append(line.strip())
        return None


def run_child(words: Sequence[str], folder: str | None = None) -> Child:
    """`da3-stream` with these words, in a process of its own, given in a folder (None: here). Raises OSError where that
    is not there."""
    return Child(RUN, words, folder=folder)
