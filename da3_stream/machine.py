"""The machine and the versions that a run was made with, and the memory of this process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

_CGROUP = Path("/sys/fs/cgroup")
_SET_PARENT_DEATH_SIGNAL = 1  # of prctl(2)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
_PACKAGES = ("da3_stream", "numpy", "scipy", "opencv-python-headless", "av", "pycolmap", "torch")


def installed_versions() -> dict[str, str | None]:
    """Versions of Python and of the packages that compute, without importing them; None where one is not installed."""
    installed: dict[str, str | None] = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            installed[name] = None
    return installed


def describe_machine() -> dict[str, Any]:
    """Operating system, processor, usable cores and memory in bytes."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_bytes": _sysconf("SC_PHYS_PAGES"),
    }


def size_text(count: float) -> str:
    """A number of bytes, for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def peak_rss_bytes() -> int:
    """The peak memory of this process, plus the largest peak of any one of its ended children."""
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes on macOS, in KiB elsewhere
    processes = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(process).ru_maxrss for process in processes) * unit


def keep_freed_memory() -> None:
    """Let this process keep up to 64 MiB of what it frees, for arrays of up to 32 MiB that come later.

    glibc would map a large array anew each time, and the system would clear it page by page: with SIFT's pyramids that
    is a quarter of its CPU seconds.
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(_TRIM_THRESHOLD, 64 << 20)


def release_memory() -> None:
    """Return freed memory to the system.

    glibc would keep it, so that the memory of the largest graph ever solved would stay resident.
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """One thread for BLAS (numpy's, scipy's, faiss's) and one for OpenCV, as it was before when the block ends; torch's
    own are left alone.

    What a run gives them is small: further threads, one for every core, mostly wait for work in a busy loop, which
    takes the cores from the predictor and doubles the seconds of CPU (measured on two cores).
    """
    import cv2
    import faiss  # noqa: F401 - a library must be there to be found
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    libraries, before = ThreadpoolController(), cv2.getNumThreads()
    paths = [library["filepath"] for library in libraries.select(user_api="blas").info()]
    cv2.setNumThreads(1)
    try:
        with libraries.select(filepath=[path for path in paths if "torch" not in path]).limit(limits=1):
            yield
    finally:
        cv2.setNumThreads(before)


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_quota() -> float | None:
    """Cores whose time a container gets; None where nothing limits it."""
    try:
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        return float(quota) / float(period)
    except (OSError, ValueError):  # "max", or another system
        return None


def spare_memory_bytes() -> int | None:
    """As `available_memory_bytes`, and within the limit of a container; None where the system does not say."""
    there = [found for found in (available_memory_bytes(), _left_in_container()) if found is not None]
    return min(there, default=None)


def whole_memory_bytes() -> int | None:
    """All memory of the machine, or of a container where that is less; None where the system does not say."""
    there = [found for found in (_sysconf("SC_PHYS_PAGES"), _cgroup("memory.max")) if found is not None]
    return min(there, default=None)


def processes_by_session() -> dict[int, list[int]]:
    """The processes of this machine that have not ended, by the leader of their session (see setsid(2)); none where the
    system does not say."""
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            state, _, _, session = folder.joinpath("stat").read_text().rpartition(")")[2].split()[:4]
            if state != "Z":
                found.setdefault(int(session), []).append(int(folder.name))
    return found


def held_bytes(process: int) -> int:
    """Memory that a process holds, its share of the pages that it has with others; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def end_with_parent(parent: int) -> None:
    """Have the system kill this process when the thread that started it ends, however it ends (Linux; nothing
    elsewhere). `parent` is the process of that thread, which may have ended already."""
    with contextlib.suppress(AttributeError, OSError):  # another system
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def available_memory_bytes() -> int | None:
    """Memory that a process may still allocate without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kib = next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return _sysconf("SC_AVPHYS_PAGES")
    return int(kib) * 1024


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _sysconf(pages: str) -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf(pages)
    except (ValueError, OSError):
        return None


def _left_in_container() -> int | None:
    """What the limit of a container leaves; files in memory, which give way, count as free."""
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    if limit is None or used is None:
        return None
    with contextlib.suppress(OSError, StopIteration):
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
        used -= int(next(line.split()[1] for line in lines if line.startswith("inactive_file ")))
    return max(limit - used, 0)


def _cgroup(name: str) -> int | None:
    try:
        return int((_CGROUP / name).read_text())
    except (OSError, ValueError):  # "max", or another system
        return None
