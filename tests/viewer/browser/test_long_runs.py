"""Hours of video: the first picture costs no more than that of a short run, and then every frame comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.viewing.big_run import BigRun, make_run
from tests.viewer.browser.chromium import Visit, visit
from tests.viewer.browser.looking import settle
from tests.viewer.browser.served import view

pytestmark = pytest.mark.slow  # a browser that draws without a graphics card, and a run of 12,500 frames

FRAMES = 12_500  # two answers of poses; benchmarks/viewing/page.py asks 36,000 and 108,000


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = BigRun(100_000, 31, FRAMES, length_m=9000.0, size=(8, 6), pages=False)
    return make_run(tmp_path_factory.mktemp("long") / "run", made).path


@pytest.fixture(scope="module")
def opened(browser: Any, run: Path) -> Iterator[Visit]:
    """The page when all of it is there."""
    with view(run) as served, visit(browser, served.address) as found:
        found.wait("v.data.isWhole")
        settle(found)
        yield found


def test_the_first_picture_is_cheap(opened: Visit) -> None:
    requests, size = opened.call(
        "return [v.counters.requests_before_first_picture, v.counters.bytes_before_first_picture];"
    )
    assert requests <= 20 and size <= 1.5e6


def test_every_frame_has_come_and_lies_on_the_road(opened: Visit) -> None:
    posed = opened.call(
        "return Array.from({length: v.table.count}, (_, row) => v.table.hasCamera(row)).filter(Boolean).length;"
    )
    assert posed == FRAMES
    first, near, last = opened.call("return a.map((row) => [...v.frame(row).centre]);", [0, 1, FRAMES - 1])
    assert abs(first[2] - near[2]) < 1.0 < 8000 < abs(last[2] - first[2]) < 9001


def test_what_is_counted_is_what_came_over_the_wire(opened: Visit) -> None:
    tables = [
        each for each in opened.answered if any(f"/{name}?" in each.url for name in ("frames", "poses", "cameras"))
    ]
    assert len(tables) >= 5  # pieces
    answers = [each.response() for each in tables]
    assert all(answer.headers["content-encoding"] == "gzip" for answer in answers)
    assert all(len(answer.body()) <= 2e6 for answer in answers)
    counted = opened.call("return v.counters.bytes;")
    sent = sum(each.sizes()["responseBodySize"] for each in opened.answered)
    assert abs(counted - sent) < 0.02 * sent
