"""Where runs can go: this machine, or the machines of a cluster."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..machine import cpu_quota, processes_by_session, spare_memory_bytes, usable_cores, whole_memory_bytes
from .child import Child, Event, run_child

RESERVE = 0.03  # of all memory is promised to nobody


@dataclass(frozen=True)
class Share:
    """What a run is promised: workers (cores), bytes of memory, and the device that it has for itself."""

    workers: int
    memory: int
    device: str | None = None


class Process(Protocol):
    """A run that goes on somewhere."""

    @property
    def is_lost(self) -> bool:
        """Whether it ended because the machine did, which is no fault of its own."""
        ...

    def news(self) -> list[Event]:
        """What it told since it was asked last."""
        ...

    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it goes on."""
        ...

    def last_words(self) -> str:
        """What it said beside events, at last."""
        ...

    def peak_bytes(self) -> int:
        """The most memory that it was seen to hold."""
        ...

    def stop(self) -> None:
        """Ask it to end in order."""
        ...

    def close(self) -> None:
        """End it, and all that it started."""
        ...


class Place(Protocol):
    """A machine: its cores, and how many runs may have a device of the same name at once."""

    name: str
    cores: int
    devices: int

    def whole_bytes(self) -> float:
        """Memory for runs, if nothing else took any."""
        ...

    def spare_bytes(self, promised: Mapping[Process, int]) -> float:
        """Memory for further runs, beside those that go on here, to each of which so much was promised."""
        ...

    def start(self, words: Sequence[str], share: Share) -> Process:
        """Begin `da3-stream` with these words."""
        ...


class LocalProcess:
    """A child of this process."""

    is_lost = False

    def __init__(self, child: Child) -> None:
        self._child, self._peak = child, 0

    def news(self) -> list[Event]:
        """As `Process`."""
        return self._child.news()

    def status(self) -> int | None:
        """As `Process`."""
        return self._child.status()

    def last_words(self) -> str:
        """As `Process`."""
        return " ".join(self._child.last_words)

    def measure(self, sessions: Mapping[int, Sequence[int]]) -> int:
        """The memory that it holds now, with all that it started."""
        now = self._child.held_bytes(sessions)
        self._peak = max(self._peak, now)
        return now

    def peak_bytes(self) -> int:
        """As `Process`."""
        return self._peak

    def stop(self) -> None:
        """As `Process`."""
        self._child.stop()

    def close(self) -> None:
        """As `Process`."""
        self._child.close()


class ThisMachine:
    """The cores that this process may use, and the memory that is free, as measured."""

    name = "this machine"
    devices = 1

    def __init__(self) -> None:
        self.cores = max(1, min(usable_cores(), round(cpu_quota() or usable_cores())))

    def whole_bytes(self) -> float:
        """As `Place`."""
        whole = whole_memory_bytes()
        return math.inf if whole is None else (1 - RESERVE) * whole

    def spare_bytes(self, promised: Mapping[Process, int]) -> float:
        """What is free now, less what runs were promised and have not taken yet."""
        spare, whole = spare_memory_bytes(), whole_memory_bytes()
        if spare is None or whole is None:
            return math.inf
        sessions = processes_by_session()
        held = {process: process.measure(sessions) for process in promised if isinstance(process, LocalProcess)}
        return spare - RESERVE * whole - sum(max(promised[process] - now, 0) for process, now in held.items())

    def start(self, words: Sequence[str], share: Share) -> Process:
        """As `Place`."""
        return LocalProcess(run_child(words))


def this_machine() -> Callable[[], Sequence[Place]]:
    """The one place that there is without a cluster."""
    here = [ThisMachine()]
    return lambda: here
