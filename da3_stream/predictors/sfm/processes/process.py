"""One process that does one piece of work at a time; if it dies or hangs, that piece is all that is lost."""

from __future__ import annotations

import faulthandler
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from ....machine import end_with_parent, keep_freed_memory

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
STEP_S = 0.5
START_S = 600.0  # interpreter and libraries, from a cold disk on a busy machine


class WorkLostError(Exception):
    """A piece of work that a process began and did not bring to an end. It costs a window, never the run."""


class WorkerDiedError(WorkLostError):
    """The process ended: it crashed, or it was killed."""


class WorkerHungError(WorkLostError):
    """The process took longer than it may, and was ended."""


class WorkerProcess:
    """Starts with its first piece of work and ends with its parent; after a loss the next piece starts another one.

    loky's processes need no `if __name__ == "__main__"` in the user's script.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: Any = None
        self._pipe: Connection | None = None
        self._closed = False

    def run(self, work: Callable[..., Any], args: tuple[Any, ...], limit_s: float) -> tuple[Any, float, float]:
        """The result, the CPU seconds of the work, and those that the process took beside it since it was last asked
        (to start, to read what came, to send). Raises WorkLostError, or what the work raised."""
        try:
            pipe = self._connect()
            pipe.send((work, args))
            result, error, work_s, beside_s = _receive(
                pipe, limit_s, f"{work.__name__} took longer than {limit_s:.0f} s"
            )
        except (EOFError, OSError) as lost:
            raise WorkerDiedError(f"the process that worked on {work.__name__} ended{self._end(STEP_S)}") from lost
        except WorkerHungError:
            self._end()
            raise
        if error is not None:
            raise error
        return result, work_s, beside_s

    def close(self) -> None:
        """End it for good; what it works on is lost."""
        with self._lock:
            self._closed = True
        self._end()

    def _connect(self) -> Connection:
        """The pipe to a process that listens at its other end, which is started if need be."""
        if self._pipe is None:
            pipe = self._start()
            _receive(pipe, START_S, f"a process did not start within {START_S:.0f} s")
            self._pipe = pipe
        return self._pipe

    def _start(self) -> Connection:
        from loky.backend.context import get_context

        context = get_context("loky")
        with self._lock:
            if self._closed:
                raise WorkerDiedError("the processes were ended")
            ours, theirs = context.Pipe()
            self._process = context.Process(target=serve, args=(theirs,), daemon=True, env=ONE_THREAD)
            self._process.start()
            theirs.close()  # so that the end of the process is the end of the pipe
        return ours

    def _end(self, patience_s: float = 0.0) -> str:
        """Kill the process unless it ends by itself; how it did, if so. (A pipe breaks a moment before its process.)"""
        from loky.backend.utils import kill_process_tree

        with self._lock:
            process, self._process, self._pipe = self._process, None, None
            if process is None:
                return ""
            process.join(patience_s)
            if process.is_alive():
                kill_process_tree(process)
                return ""
            return f" with exit code {process.exitcode}"


def _receive(pipe: Connection, limit_s: float, complaint: str) -> Any:
    """The next message. Time is counted in steps, so that the time for which all of us were stopped does not count."""
    for _ in range(max(1, round(limit_s / STEP_S))):
        if pipe.poll(STEP_S):
            return pipe.recv()
    raise WorkerHungError(complaint)


def serve(pipe: Connection) -> None:
    """The process's own loop, until its parent has ended: receive work, do it, send (result, error, CPU seconds of the
    work, those beside it)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    end_with_parent(os.getppid())  # at once, and not when the piece of work is done
    faulthandler.enable()
    keep_freed_memory()
    try:
        pipe.send(None)
        counted = 0.0
        while True:
            result, error, work_s = _execute_next(pipe)
            total = time.process_time()
            _send(pipe, (result, error, work_s, total - work_s - counted))
            counted = total
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _execute_next(pipe: Connection) -> tuple[Any, Exception | None, float]:
    message = pipe.recv_bytes()
    start = time.process_time()
    try:
        work, args = pickle.loads(message)
        start = time.process_time()
        return work(*args), None, time.process_time() - start
    except Exception as error:
        error.add_note(f"in the process that did it: {traceback.format_exc()}")
        return None, error, time.process_time() - start


def _send(pipe: Connection, answer: tuple[Any, Exception | None, float, float]) -> None:
    try:
        message = ForkingPickler.dumps(answer)
    except Exception as error:
        message = ForkingPickler.dumps((None, TypeError(f"an answer that cannot be sent: {error}"), *answer[2:]))
    pipe.send_bytes(message)
