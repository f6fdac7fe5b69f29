"""All that is looked at, in groups."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..machine import installed_versions
from .finding import Finding, State
from .hardware import find_hardware
from .packages import IMPORT_S, find_packages, find_torch
from .places import find_disk, find_locale, find_terminal
from .probes import PROBES

Groups = Mapping[str, tuple[Finding, ...]]


@dataclass(frozen=True)
class Examination:
    """What was found, by group, and how long it took."""

    groups: Groups
    seconds: float

    @property
    def is_sound(self) -> bool:
        """Whether all runs are possible."""
        return all(finding.state != State.BROKEN for finding in self)

    def __iter__(self) -> Iterator[Finding]:
        return (finding for findings in self.groups.values() for finding in findings)

    def as_json(self) -> dict[str, Any]:
        """For programs: `checks` by group and name."""
        checks = {group: {f.name: f.as_json() for f in findings} for group, findings in self.groups.items()}
        return {
            "ok": self.is_sound,
            "seconds": round(self.seconds, 2),
            "versions": installed_versions(),
            "executable": sys.executable,
            "checks": checks,
        }


def examine(runs: Path, limit_s: float = IMPORT_S) -> Examination:
    """Look at this machine; runs go to a folder `runs`. What cannot be asked within `limit_s` is told as such."""
    start = time.monotonic()
    with ThreadPoolExecutor(len(PROBES)) as pool:
        asked = {probe.name: pool.submit(probe.find, limit_s) for probe in PROBES}
        packages = tuple(find_packages(limit_s))
        gpu = asked["gpu"].result()
        torch_error = None if gpu.facts.get("began", True) else gpu.text
        groups = {
            "versions": tuple(_versions()),
            "machine": (*find_hardware(), gpu, find_disk(runs)),
            "models": (asked["model"].result(),),
            "packages": (find_torch(torch_error), *packages),
            "surroundings": (asked["decoders"].result(), asked["proj_grid"].result(), find_locale(), find_terminal()),
        }
    return Examination(groups, time.monotonic() - start)


def _versions() -> Iterator[Finding]:
    versions = installed_versions()
    for name in ("da3_stream", "python"):
        yield Finding(name, str(versions[name] or "not installed as a package"), facts={"version": versions[name]})
