"""One cluster for all tests of this folder: it takes Ray about ten seconds to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

ray = pytest.importorskip("ray")


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """This process is connected to a cluster of its own, which an engine without an address then uses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # Ray's own 15 starves actors beside the other half of the tests
        ray.init(
            address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, object_store_memory=300 << 20
        )
    yield
    ray.shutdown()
