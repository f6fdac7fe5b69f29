"""A command in a process of its own: CPU seconds and memory of it and of all that it starts.

`watched` starts a measuring process, which starts the command: whatever the command leaves behind is adopted there, so
that its time counts too.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.checkouts import environment
from benchmarks.common import in_child, serve_child
from benchmarks.scaling.footprint import Sampler
from benchmarks.tables import Row
from da3_stream.predictors.sfm.processes.scratch import PREFIX

from .pace import PaceMeter

EVERY_S = 0.2  # between two looks at the processes
_LEFT_BEHIND_S = 20.0  # for processes that outlive the command
_SET_CHILD_SUBREAPER = 36  # of prctl(2)


def watched(command: Sequence[str], code: Path, out: Path) -> Row:
    """Run a command with a checkout's package; `out` is the run directory that it writes.

    Gives user, system and all CPU seconds, seconds by the wall clock, the CPU milliseconds of a probe meanwhile, the
    peak MiB of all processes together, the exit status and the last line that it complained with.
    """
    return in_child("benchmarks.beside.watching", json.dumps([list(command), str(code), str(out)]))


def _measure(order: str) -> Row:
    command, code, out = json.loads(order)
    _adopt_orphans()
    start = time.perf_counter()
    with Sampler(Path(out), PREFIX, EVERY_S) as sampler, PaceMeter() as pace:
        child = subprocess.run(command, cwd=code, env=environment(Path(code)), capture_output=True, text=True)
        wall_s = time.perf_counter() - start
        _await_orphans()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu_user_s": round(used.ru_utime, 2),
        "cpu_system_s": round(used.ru_stime, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "wall_s": round(wall_s, 2),
        "probe_ms": round(pace.probe_ms, 3),
        "peak_mib": round(float(sampler.track()["workers_mib"].max()), 1),
        "exit_status": child.returncode,
        "last_line": (child.stderr.strip().splitlines() or [""])[-1],
    }


def _adopt_orphans() -> None:
    """Become the parent of what descendants leave behind (Linux), as their time is told to parents alone."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _await_orphans() -> None:
    until = time.monotonic() + _LEFT_BEHIND_S
    with suppress(ChildProcessError):
        while time.monotonic() < until:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.05)


if __name__ == "__main__":
    serve_child(_measure)
