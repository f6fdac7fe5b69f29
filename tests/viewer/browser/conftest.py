"""One browser and one server for all tests of the page: both take seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from da3_stream.cloud.levels import levels_of_page
from da3_stream.store import Run
from tests.viewer.browser.chromium import FLAGS, find_chromium
from tests.viewer.browser.served import Served, view
from tests.worlds.known_runs import KINDS, TIMES_FROM, WINDOWS, KnownRun, make_run

RUN = "with gaps at both ends"


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Headless Chromium; tests that need it skip with the reason where it is absent."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium is installed (Debian's package: chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def known_run(tmp_path_factory: pytest.TempPathFactory) -> KnownRun:
    """Twenty frames through the known street, in two submaps with their levels of detail."""
    made = make_run(tmp_path_factory.mktemp("viewed"), KINDS[RUN])
    for submap in range(len(WINDOWS)):
        levels_of_page(Run(made.path), submap, Run(made.path).levels_path(submap))
    Run(made.path).write_status({**Run(made.path).read_status(), "first_time_s": TIMES_FROM})
    return made


@pytest.fixture(scope="package")
def served(known_run: KnownRun) -> Iterator[Served]:
    """It, being served."""
    with view(known_run.path) as server:
        yield server
