"""Clusters of Ray for benchmarks, several nodes on this machine, and the processes that runs leave there."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.common import tell

MARK = "DA3_STREAM_BENCHMARK_CLUSTER"  # in the environment of all processes of one of our clusters
MIB = 2**20
STORE_MIB = 400
OF_RAY = ("raylet", "gcs_server", "/ray/", "ray::IDLE", "ray::DashboardAgent", "ray::RuntimeEnvAgent")
SOON = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 1000, "health_check_failure_threshold": 5}
SOON |= {"prestart_worker_first_driver": False}  # else a process for each core begins, a second of CPU each
SOON |= {"worker_niceness": 0}  # else 15: actors would wait for whatever else the machine does
NO_SPILLING = {"automatic_object_spilling_enabled": False}
DISK_FULL = NO_SPILLING | {"local_fs_capacity_threshold": 0.0}  # else what the store has no room for lies on the disk
PATIENCE_S, ATTEMPTS = 30.0, 4


@contextmanager
def cluster(
    cpus: Sequence[int], store_mib: int = STORE_MIB, system: dict[str, Any] | None = None, connect: bool = True
) -> Iterator[Any]:
    """A cluster with so many cores on each node, the first one the head's, to which this process is connected if it is
    to `connect`. Cores are numbers to Ray: they may be more than there are."""
    import ray
    from ray.cluster_utils import Cluster

    os.environ[MARK] = uuid.uuid4().hex
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options = {"object_store_memory": store_mib * MIB, "include_dashboard": False}
    head = options | {"num_cpus": cpus[0], "_system_config": {**SOON, **(system or {})}}
    made = _begun(Cluster, head)
    try:
        for number in cpus[1:]:
            made.add_node(num_cpus=number, **options)
        if connect:
            ray.init(address=made.address, log_to_driver=False, logging_level=logging.ERROR)
            made.wait_for_nodes()
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def _begun(make: Any, head: dict[str, Any]) -> Any:
    """A cluster with its head: Ray gives a node half a minute to start, which is short where others compute."""
    for _ in range(ATTEMPTS):
        made = make()
        try:
            made.add_node(**head)
            return made
        except Exception as error:  # no kind of its own
            tell(f"the head did not start: {error}")
            made.shutdown()
    raise SystemExit(f"Ray could not be started in {ATTEMPTS} attempts")


def left(patience_s: float = PATIENCE_S, mark: str | None = None, everything: bool = False) -> list[str]:
    """Processes of our cluster that are no part of Ray itself (or with `everything` all of them), this one apart, that
    are still there after a while; as their command lines."""
    until = time.monotonic() + patience_s
    while (found := _processes(mark or os.environ[MARK], everything)) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def actors() -> list[int]:
    """The processes of actors that are there."""
    return [int(line.split()[0]) for line in _processes(os.environ[MARK], False) if "ray::PredictorActor" in line]


def _processes(mark: str, everything: bool) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            is_ours = f"{MARK}={mark}".encode() in (folder / "environ").read_bytes()
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if is_ours and words and (everything or not any(name in words for name in OF_RAY)):
            found.append(f"{folder.name} {words[:80]}")
    return found
