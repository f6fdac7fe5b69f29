"""What the package asks of the machine."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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
