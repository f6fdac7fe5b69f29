"""A cluster of Ray: started on this machine, or joined; and what it has room for."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import EngineError
from ..machine import available_memory_bytes, size_text, usable_cores

log = logging.getLogger(__name__)

PORT = 6379  # of a cluster's head, where an address tells none
CONNECT_S = 10.0
SETTINGS = b"\0\0\0\4\0\0\0\0\0"  # an empty frame of HTTP/2 settings; the fourth byte is the kind of frame
ACTOR_BYTES = 400_000_000  # of an actor that has loaded its libraries
INSTALL = "--engine ray needs Ray: pip install 'da3_stream[ray]'"


@dataclass(frozen=True)
class Share:
    """How many actors there are, and what each of them has."""

    actors: int
    cores: int
    gpus: int


def import_ray() -> Any:
    """The package. Raises EngineError where it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise EngineError(f"{INSTALL} ({error})") from error
    return ray


@contextmanager
def joined(address: str | None, cores: int) -> Iterator[Any]:
    """Ray, connected: to what this process is connected to already, to a cluster at an address ("auto": the one on this
    machine), or to one that is started here, with at least so many cores, and ended with the block.

    Raises EngineError where no cluster answers, or none can be started.
    """
    ray = import_ray()
    if ray.is_initialized():
        yield ray
        return
    if address is None:
        _check_memory(cores)
    else:
        _check_address(address)
    try:
        with _own_signals():
            logs = _connect(ray, address, cores)
        yield ray
    finally:
        ray.shutdown()
    if address is None:
        shutil.rmtree(logs, ignore_errors=True)  # a megabyte for each run


def _connect(ray: Any, address: str | None, cores: int) -> str:
    """Connects; returns the folder of the cluster's logs on this machine."""
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        if address is None:
            os.environ.setdefault("RAY_worker_niceness", "0")  # as in one process; Ray's own is 15
            made = ray.init(address="local", num_cpus=max(usable_cores(), cores), include_dashboard=False, **quiet)
        else:
            made = ray.init(address=address, **quiet)
        return str(made.address_info["session_dir"])
    except Exception as error:  # ConnectionError, RuntimeError, ValueError and others, by what is wrong
        if "AuthToken" in str(error.__cause__):
            raise EngineError(
                f"the cluster at {address} wants its token: set RAY_AUTH_MODE=token, with the token in "
                "~/.ray/auth_token or RAY_AUTH_TOKEN"
            ) from error
        reason = " ".join(str(error).split())
        where = "Ray could not be started on this machine" if address is None else f"no cluster of Ray at {address}"
        raise EngineError(f"{where}: {reason}") from error


def _check_memory(actors: int) -> None:
    """Raises EngineError for more processes than this machine can hold."""
    free = available_memory_bytes()
    if free is not None and actors * ACTOR_BYTES > free:
        raise EngineError(
            f"{actors} actors take {size_text(actors * ACTOR_BYTES)} before they do anything, {size_text(free)} are "
            f"free: give --actors {max(1, free // ACTOR_BYTES)} at most"
        )


def _check_address(address: str) -> None:
    """Raises EngineError where nothing listens, which Ray would wait for long."""
    if address == "auto":
        return
    if "://" in address:
        raise EngineError(
            f"the address {address} is for clients outside the cluster: start the run on one of its machines, with "
            f"--address HOST:{PORT} of the head, or auto"
        )
    host, _, port = address.partition(":")
    if not (host and (port or str(PORT)).isdecimal()):
        raise EngineError(f"'{address}' is no address of a cluster: give HOST:{PORT} of its head, or auto")
    try:
        answer = _greet(host, int(port or PORT))
    except (OSError, OverflowError, ValueError) as error:  # the last for names that cannot be one
        raise EngineError(f"no cluster of Ray answers at {address}: {error}") from error
    if len(answer) < len(SETTINGS) or answer[3] != SETTINGS[3]:
        raise EngineError(f"what answers at {address} is no cluster of Ray: give HOST:{PORT} of its head, or auto")


def _greet(host: str, port: int) -> bytes:
    """What a server says to HTTP/2, which Ray's head speaks (RFC 9113, section 3.4): its settings, if it does so, too.

    With TLS that is not asked: what would be settings is taken for granted.
    """
    with socket.create_connection((host, port), timeout=CONNECT_S) as connection:
        if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
            return SETTINGS
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS)
        return connection.recv(len(SETTINGS))


@contextmanager
def _own_signals() -> Iterator[None]:
    """Put back what answers SIGTERM, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def live_nodes(ray: Any) -> list[dict[str, Any]]:
    """The cluster's machines that are there, as Ray tells them."""
    return [node for node in ray.nodes() if node["Alive"]]


def object_store_bytes(ray: Any) -> int:
    """The memory for objects on this machine."""
    here = ray.get_runtime_context().get_node_id()
    return int(next(node["Resources"].get("object_store_memory", 0) for node in ray.nodes() if node["NodeID"] == here))


def share(ray: Any, actors: int | None, wants_gpu: bool) -> Share:
    """What each of so many actors gets: a GPU where the predictor wants one and there is any, and an equal part of the
    cores. Without a number there is one actor for each GPU, or for each machine.

    Raises EngineError where the cluster is too small for them.
    """
    nodes = live_nodes(ray)
    cpus = [int(node["Resources"].get("CPU", 0)) for node in nodes]
    gpus = [int(node["Resources"].get("GPU", 0)) for node in nodes]
    uses_gpu = wants_gpu and sum(gpus) > 0
    count = actors or (sum(gpus) if uses_gpu else max(1, sum(cpu > 0 for cpu in cpus)))
    if uses_gpu and sum(gpus) < count:
        raise EngineError(f"{count} actors need a GPU each, the cluster has {sum(gpus)}: give --actors {sum(gpus)}")
    places = [gpu if uses_gpu else cpu for cpu, gpu in zip(cpus, gpus, strict=True)]
    cores = max(cpus, default=0)
    while cores and sum(min(cpu // cores, most) for cpu, most in zip(cpus, places, strict=True)) < count:
        cores -= 1
    if not cores:
        raise EngineError(f"{count} actors need a core each, the cluster has {sum(cpus)}: give fewer --actors")
    return Share(count, cores, int(uses_gpu))


def free_text(ray: Any) -> str:
    """What the cluster has, and what of it is free, for a sentence."""
    every, free = ray.cluster_resources(), ray.available_resources()
    kinds = [kind for kind in ("CPU", "GPU") if every.get(kind)]
    return ", ".join(f"{free.get(kind, 0):g} of {every[kind]:g} {kind}s free" for kind in kinds) or "nothing"
