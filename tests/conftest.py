"""What all tests share: where the real clips and golden vectors are."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None, max_examples=50)  # the machine is shared
settings.load_profile("house")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips and vectors; tests that need it skip with the reason where it is absent."""
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("DA3_STREAM_SHARED", root.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared clips at {folder} (set DA3_STREAM_SHARED)")
    return folder


@pytest.fixture
def memory() -> Iterator[Any]:
    """A remote file system (fsspec's memory://) in this process, empty before and after."""
    import fsspec

    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    yield filesystem
    filesystem.store.clear()


def pytest_configure(config: pytest.Config) -> None:
    """One thread a process, no wait for the disk; and no test looks at models on this machine or in the network."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a test run has a worker for each core already
    os.environ["HF_HUB_CACHE"] = "/nonexistent/hub"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.fsync = _written


def _written(file: int) -> None:
    """In the place of os.fsync in this process: what tests write may be gone after a power cut (a run waits a hundred
    times otherwise). Like it, this refuses what is no open file."""
    os.fstat(file)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What was printed and logged in a form that xdist can send: names that are no UTF-8 are not."""
    report = yield
    report.sections = [(title, text.encode(errors="replace").decode()) for title, text in report.sections]
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of a test run says how many tests were skipped (why stands above, by -ra)."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(config, "workerinput"):
        reporter.write_line(f"skipped tests: {len(reporter.stats.get('skipped', []))}")
