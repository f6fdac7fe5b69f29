"""Processor and memory."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

from ..machine import available_memory_bytes, cpu_quota, describe_machine, size_text, usable_cores
from .finding import Finding, State

INSTRUCTIONS = {  # what libraries of runs are compiled for, by the flags of /proc/cpuinfo
    "avx2": "AVX2",
    "fma": "FMA",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 BF16",
    "amx_bf16": "AMX",
    "asimd": "NEON",
    "sve": "SVE",
}
LEAST_BYTES = 6 << 30  # that the README asks for
CPUINFO = Path("/proc/cpuinfo")


def find_hardware() -> Iterator[Finding]:
    """Cores, instruction sets, memory."""
    machine = describe_machine()
    yield _cores(str(machine["processor"]), machine["cores"])
    yield _instructions()
    yield _memory(machine["memory_bytes"])


def _cores(processor: str, usable: int) -> Finding:
    quota = cpu_quota()
    facts = {"usable": usable, "processor": processor, "quota": quota}
    text = f"{usable} cores that runs may use, {processor or platform.machine()}"
    if quota is None or quota >= usable:
        return Finding("cores", text, facts=facts)
    advice = f"this container gets the time of {quota:g}: as many workers are enough"
    command = f"da3-stream run INPUT --workers {max(int(quota), 1)}"
    return Finding("cores", text, State.NOTE, advice, command, facts)


def _instructions() -> Finding:
    flags = _flags()
    known = [name for flag, name in INSTRUCTIONS.items() if flag in flags]
    facts = {"known": known}
    if platform.machine().lower() in ("x86_64", "amd64") and flags and "avx2" not in flags:
        advice = "OpenCV, faiss and torch take slower code: expect a fraction of the speeds that are told"
        return Finding("instructions", "no AVX2", State.WARNING, advice, facts=facts)
    return Finding("instructions", ", ".join(known) or "not told by this system", facts=facts)


def _flags() -> set[str]:
    """What the first core knows."""
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        return set()
    found = (line.partition(":")[2] for line in lines if line.lower().startswith(("flags", "features")))
    return set(next(found, "").split())


def _memory(total: int | None) -> Finding:
    available = available_memory_bytes()
    facts = {"total_bytes": total, "available_bytes": available, "cores": usable_cores()}
    if total is None or available is None:
        return Finding("memory", "not told by this system", facts=facts)
    text = f"{size_text(total)}, of which {size_text(available)} are free"
    if available >= LEAST_BYTES:
        return Finding("memory", text, facts=facts)
    advice = f"runs are measured with {size_text(LEAST_BYTES)}: end other programs, or run with fewer workers"
    return Finding("memory", text, State.WARNING, advice, "da3-stream run INPUT --quality fast --workers 1", facts)
