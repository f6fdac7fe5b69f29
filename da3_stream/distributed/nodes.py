"""The machines of a cluster as places for the runs of a batch: each run is a process of a node, kept by an actor there.

Inputs and run directories lie on a disk that all machines see at the same path; inputs may be addresses. Nothing is
tried again by Ray, and no call is made of it that waits.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ..batch.child import Child, Event, run_child
from ..batch.places import Place, Process, Share
from ..batch.task import REFUSED
from ..machine import processes_by_session
from .cluster import joined, live_nodes

LOOK_S = 0.5  # between two looks at a run
MEASURE_S = 2.0  # and at its memory
CLOSE_S = 1.0  # for an actor to end its run itself; after that both are killed


Begin = Callable[[Sequence[str], str], Child]  # (words of `da3-stream`, folder in which they are given)


class Keeper:
    """In an actor: a run's process, which the system ends with that of the actor."""

    def __init__(self, begin: Begin, words: Sequence[str], folder: str) -> None:
        self._child: Child | None = None
        self._complaint, self._held, self._measure_at = "", 0, 0.0
        try:
            self._child = begin(words, folder)
        except OSError as error:
            self._complaint = (
                f"the machine {os.uname().nodename} has no folder {folder} ({error.strerror}): runs of a cluster take "
                "a disk that all its machines see"
            )

    def look(self) -> tuple[int | None, list[Event], str, int]:
        """Exit status, events since the last look, last words, and the bytes that it holds."""
        if self._child is None:
            return REFUSED, [{"event": "end", "message": self._complaint}], "", 0
        status = self._child.status()
        if time.monotonic() >= self._measure_at:
            self._held = self._child.held_bytes(processes_by_session())
            self._measure_at = time.monotonic() + MEASURE_S
        return status, self._child.news(), " ".join(self._child.last_words), self._held

    def stop(self) -> None:
        """Ask it to end in order."""
        if self._child is not None:
            self._child.stop()

    def close(self) -> None:
        """End it, and all that it started."""
        if self._child is not None:
            self._child.close()


class RemoteProcess:
    """A run on a node, seen from here."""

    def __init__(self, ray: Any, node: str, actor: Any) -> None:
        self._ray, self._node, self._actor = ray, node, actor
        self._events: list[Event] = []
        self._status: int | None = None
        self._last_words, self._peak = "", 0
        self._look, self._look_at = actor.look.remote(), 0.0
        self.is_lost = False

    def news(self) -> list[Event]:
        """As `Process`."""
        self._take()
        events, self._events = self._events, []
        return events

    def status(self) -> int | None:
        """As `Process`; that its actor ended is as if it was killed."""
        return self._status

    def last_words(self) -> str:
        """As `Process`."""
        return self._last_words

    def peak_bytes(self) -> int:
        """As `Process`."""
        return self._peak

    def stop(self) -> None:
        """As `Process`."""
        self._actor.stop.remote()

    def close(self) -> None:
        """As `Process`; what is lost needs no closing."""
        with suppress(Exception):  # Ray raises plain ones, too, where it cannot submit
            if not self.is_lost:
                self._ray.get(self._actor.close.remote(), timeout=CLOSE_S)
            self._ray.kill(self._actor)

    def _take(self) -> None:
        """What the last look saw, if it is here, and the next look."""
        if self._status is not None:
            return
        if self._look is None:
            if time.monotonic() >= self._look_at:
                self._look = self._actor.look.remote()
            return
        ready, _ = self._ray.wait([self._look], timeout=0)
        if not ready:
            return
        look, self._look, self._look_at = self._look, None, time.monotonic() + LOOK_S
        try:
            self._status, events, self._last_words, held = self._ray.get(look)
        except self._ray.exceptions.RayError:  # the actor ended, or never began
            self._status, self.is_lost = -signal.SIGKILL, True
            self._last_words = f"the machine {self._node} was lost, or the actor that kept it there"
            return
        self._events += events
        self._peak = max(self._peak, held)


class Node:
    """A machine of the cluster. Its memory is what Ray hands out, which is less than there is."""

    def __init__(self, ray: Any, node: Mapping[str, Any], folder: str, begin: Begin) -> None:
        resources = node["Resources"]
        self._ray, self._id, self._folder, self._begin = ray, node["NodeID"], folder, begin
        self._memory, self._gpus = float(resources.get("memory", 0)), int(resources.get("GPU", 0))
        self.name, self.cores = str(node["NodeManagerHostname"]), int(resources.get("CPU", 0))
        self.devices = max(1, self._gpus)

    def whole_bytes(self) -> float:
        """As `Place`."""
        return self._memory

    def spare_bytes(self, promised: Mapping[Process, int]) -> float:
        """As `Place`: what other users of the cluster take makes a run wait there."""
        return self._memory - sum(promised.values())

    def start(self, words: Sequence[str], share: Share) -> Process:
        """As `Place`."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(self._id, soft=False)
        gpus = int(share.device not in (None, "cpu") and self._gpus > 0)
        keeper = self._ray.remote(max_restarts=0, max_task_retries=0)(Keeper)
        options = {"num_cpus": share.workers, "memory": share.memory, "num_gpus": gpus, "scheduling_strategy": here}
        actor = keeper.options(**options).remote(self._begin, list(words), self._folder)
        return RemoteProcess(self._ray, self.name, actor)


@contextmanager
def cluster_places(address: str | None, begin: Begin = run_child) -> Iterator[Callable[[], Sequence[Place]]]:
    """The machines of a cluster that is joined, or started on this machine without an address, as they come and go;
    `begin` starts a run there.

    Raises EngineError where there is none.
    """
    nodes: dict[str, Node] = {}
    folder = os.getcwd()
    with joined(address, 1) as ray:

        def places() -> Sequence[Place]:
            live = {node["NodeID"]: node for node in live_nodes(ray) if node["Resources"].get("CPU", 0) >= 1}
            for name in live.keys() - nodes.keys():
                nodes[name] = Node(ray, live[name], folder, begin)
            return [nodes[name] for name in live]

        yield places
