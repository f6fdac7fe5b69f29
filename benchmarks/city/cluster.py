"""N machines with one shared storage, event by event: tasks wait, read, compute, write; some fail, machines are lost.

Deterministic for a seed. All transfers share the storage's bandwidth equally, none gets more than its part of a
machine's network, so that one clock of bytes serves all (processor sharing; Kleinrock, "Time-shared systems", 1967).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Machines:
    """N machines alike, and the storage that they share."""

    count: int
    slots: int = 16  # tasks at once on each
    network: float = 1.25e9  # bytes a second of a machine
    storage: float = 10e9  # bytes a second of all together
    lifetime_h: float = 500.0  # mean hours until a machine is lost
    repair_h: float = 0.5  # until another stands in for it
    speed_sigma: float = 0.1  # of the logarithm of a machine's speed


@dataclass(frozen=True)
class Work:
    """Tasks alike: mean CPU seconds and bytes of one, and how they scatter."""

    tasks: int
    cpu_s: float
    read: float = 0.0  # bytes
    written: float = 0.0
    sigma: float = 0.3  # of the logarithm of CPU seconds
    hard: float = 0.01  # share of tasks that take `harder` times as long
    harder: float = 5.0
    fails: float = 0.0  # share of attempts that fail somewhere on the way
    tries: int = 3

    def seconds(self, rng: np.random.Generator) -> Array:
        """CPU seconds [tasks], of the mean that is given."""
        scatter = np.exp(self.sigma * rng.standard_normal(self.tasks) - self.sigma**2 / 2)
        scatter *= np.where(rng.random(self.tasks) < self.hard, self.harder, 1.0)
        return self.cpu_s * scatter / (1 + self.hard * (self.harder - 1))


@dataclass
class Outcome:
    """What became of the tasks, in hours of the clock and of CPUs."""

    hours: float = 0.0
    nine_tenths_h: float = 0.0  # when nine in ten tasks were done
    cpu_h: float = 0.0  # all that was computed
    lost_cpu_h: float = 0.0  # of it for nothing: with machines that were lost, and attempts that failed
    machines_lost: int = 0
    retried: int = 0
    given_up: int = 0
    storage_bound_h: float = 0.0  # while transfers had less than their part of the network
    done: int = 0


@dataclass(eq=False)
class _Attempt:
    """A task on a machine, and whether it will fail there after its CPU seconds."""

    task: int
    machine: int
    fails: bool
    cpu_s: float
    begun: float | None = None  # when it began to compute
    computed: bool = False
    moving: bool = False  # it reads or writes
    gone: bool = False

    def spent_s(self, now: float) -> float:
        """CPU seconds so far."""
        return self.cpu_s if self.computed else 0.0 if self.begun is None else now - self.begun


Event = Callable[[], None]


class _Storage:
    """The clock of bytes: how many a transfer that never ends would have had."""

    def __init__(self, machines: Machines) -> None:
        self._most, self._total = machines.network / machines.slots, machines.storage
        self._clock, self._order = 0.0, count()
        self._waiting: list[tuple[float, int, _Attempt, Event]] = []
        self._active = 0
        self.bound_s = 0.0

    def add(self, attempt: _Attempt, size: float, then: Event) -> None:
        heapq.heappush(self._waiting, (self._clock + size, next(self._order), attempt, then))
        self._active += 1

    def drop(self) -> None:
        """One transfer less: its attempt is gone."""
        self._active -= 1

    def advance(self, seconds: float) -> None:
        if self._active:
            self._clock += seconds * self._rate()
            self.bound_s += seconds * (self._rate() < self._most)

    def next_in(self) -> float:
        """Seconds until the next transfer ends; infinite without any."""
        while self._waiting and self._waiting[0][2].gone:
            heapq.heappop(self._waiting)
        return (self._waiting[0][0] - self._clock) / self._rate() if self._waiting else np.inf

    def finish(self) -> None:
        """The next transfer has ended."""
        end, _, _, then = heapq.heappop(self._waiting)
        self._clock, self._active = max(self._clock, end), self._active - 1
        then()

    def _rate(self) -> float:
        return min(self._most, self._total / self._active)


@dataclass(eq=False)
class _Simulation:
    machines: Machines
    work: Work
    rng: np.random.Generator
    now: float = 0.0  # s
    outcome: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        self.storage = _Storage(self.machines)
        self.seconds = self.work.seconds(self.rng)
        self.speed = np.exp(self.machines.speed_sigma * self.rng.standard_normal(self.machines.count))
        self.queue, self.failures = deque(range(self.work.tasks)), np.zeros(self.work.tasks, int)
        self.events: list[tuple[float, int, Event]] = []
        self.order = count()
        self.running: list[dict[int, _Attempt]] = [{} for _ in range(self.machines.count)]
        self.free = deque(machine for _ in range(self.machines.slots) for machine in range(self.machines.count))
        self.up = np.ones(self.machines.count, bool)
        self.left = self.work.tasks

    def run(self) -> Outcome:
        for machine in range(self.machines.count):
            self._after(self._lifetime(), lambda machine=machine: self._lose(machine))
        self._assign()
        while self.left:
            until_event, until_moved = self.events[0][0] - self.now, self.storage.next_in()
            seconds = min(until_event, until_moved)
            self.storage.advance(seconds)
            self.now += seconds
            if until_moved <= until_event:
                self.storage.finish()
            else:
                heapq.heappop(self.events)[2]()
        self.outcome.hours = self.now / 3600
        self.outcome.storage_bound_h = self.storage.bound_s / 3600
        return self.outcome

    def _after(self, seconds: float, then: Event) -> None:
        heapq.heappush(self.events, (self.now + seconds, next(self.order), then))

    def _lifetime(self) -> float:
        return float(self.rng.exponential(3600 * self.machines.lifetime_h))

    def _assign(self) -> None:
        while self.queue and self.free:
            machine = self.free.popleft()
            if self.up[machine]:
                self._begin(self.queue.popleft(), machine)

    def _begin(self, task: int, machine: int) -> None:
        fails = bool(self.rng.random() < self.work.fails)
        cpu_s = float(self.seconds[task] / self.speed[machine]) * (float(self.rng.random()) if fails else 1.0)
        attempt = _Attempt(task, machine, fails, cpu_s)
        self.running[machine][task] = attempt
        self._move(attempt, self.work.read, lambda: self._compute(attempt))

    def _move(self, attempt: _Attempt, size: float, then: Event) -> None:
        if size <= 0:
            then()
            return
        attempt.moving = True

        def moved() -> None:
            attempt.moving = False
            then()

        self.storage.add(attempt, size, moved)

    def _compute(self, attempt: _Attempt) -> None:
        attempt.begun = self.now
        self._after(attempt.cpu_s, lambda: self._computed(attempt))

    def _computed(self, attempt: _Attempt) -> None:
        if attempt.gone:
            return
        attempt.computed = True
        self.outcome.cpu_h += attempt.cpu_s / 3600
        if attempt.fails:
            self._fail(attempt)
        else:
            self._move(attempt, self.work.written, lambda: self._end(attempt, done=True))

    def _fail(self, attempt: _Attempt) -> None:
        self.outcome.lost_cpu_h += attempt.cpu_s / 3600
        self.failures[attempt.task] += 1
        again = self.failures[attempt.task] < self.work.tries
        if again:
            self.outcome.retried += 1
            self.queue.append(attempt.task)
        self._end(attempt, done=False, again=again)

    def _end(self, attempt: _Attempt, done: bool, again: bool = False) -> None:
        del self.running[attempt.machine][attempt.task]
        self.free.append(attempt.machine)
        if not again:
            self.left -= 1
            self.outcome.done += done
            self.outcome.given_up += not done
            if self.left >= self.work.tasks // 10:
                self.outcome.nine_tenths_h = self.now / 3600
        self._assign()

    def _lose(self, machine: int) -> None:
        """A machine and what it was doing is gone; its tasks begin anew elsewhere, and none of them is blamed."""
        self.outcome.machines_lost += 1
        self.up[machine] = False
        for attempt in self.running[machine].values():
            attempt.gone = True
            if attempt.moving:
                self.storage.drop()
            spent_h = attempt.spent_s(self.now) / 3600
            self.outcome.lost_cpu_h += spent_h
            self.outcome.cpu_h += 0.0 if attempt.computed else spent_h
            self.queue.appendleft(attempt.task)
        self.running[machine].clear()
        self.free = deque(other for other in self.free if other != machine)
        self._after(3600 * self.machines.repair_h, lambda: self._replace(machine))
        self._assign()

    def _replace(self, machine: int) -> None:
        self.up[machine] = True
        self.free.extend([machine] * self.machines.slots)
        self._after(self._lifetime(), lambda: self._lose(machine))
        self._assign()


def simulate(machines: Machines, work: Work, seed: int) -> Outcome:
    """What becomes of tasks on these machines, each task on one CPU."""
    return _Simulation(machines, work, np.random.default_rng(seed)).run()
