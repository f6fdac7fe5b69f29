"""What the package asks of the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from da3_stream import machine

FAULTS_OF_LATER_ARRAYS = """
import resource
import numpy as np
from da3_stream.machine import keep_freed_memory
keep_freed_memory()
np.ones(1 << 21)  # 16 MiB
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    np.ones(1 << 21)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_large_arrays_reuse_memory_that_was_freed() -> None:
    script = [sys.executable, "-c", FAULTS_OF_LATER_ARRAYS]
    faults = int(subprocess.run(script, capture_output=True, text=True, check=True).stdout)
    assert faults < (16 << 20) / 4096  # less than clearing a single one of the ten


def test_a_container_s_memory_bounds_what_is_spare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(machine, "available_memory_bytes", lambda: 5000)
    assert machine.spare_memory_bytes() == 5000
    (tmp_path / "memory.max").write_text("4000\n")
    (tmp_path / "memory.current").write_text("2500\n")
    (tmp_path / "memory.stat").write_text("anon 2000\ninactive_file 300\n")
    assert machine.spare_memory_bytes() == 4000 - (2500 - 300) and machine.whole_memory_bytes() == 4000
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.spare_memory_bytes() == 5000


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the system tells nothing of processes")
def test_this_process_holds_memory_in_a_session() -> None:
    assert machine.held_bytes(os.getpid()) > 1 << 20
    assert os.getpid() in machine.processes_by_session()[os.getsid(0)]
