"""A correction reaches an open page as one similarity a frame: no point is sent again, and there are no steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.geometry import Sim3
from da3_stream.store import Run
from tests.viewer.browser.chromium import Visit, visit
from tests.viewer.browser.known_points import landmark, move
from tests.viewer.browser.looking import INTO_THE_WALL, colour_at, look_at, picked, settle
from tests.viewer.browser.served import view
from tests.worlds.known_runs import KnownRun
from tests.worlds.known_street import LANDMARK_RGB

pytestmark = pytest.mark.slow  # a browser that draws without a graphics card

FRAME_BYTES = 64
SECOND = Sim3(1.01, Rotation.from_euler("y", 3.0, degrees=True).as_matrix(), [0.3, 0.0, 0.2])


def corrected(submap: int) -> Sim3:
    """The second submap turns, grows and goes aside; the first stays."""
    return SECOND if submap else Sim3.identity()


@pytest.fixture(scope="module")
def run(known_run: KnownRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corrected") / "run"
    copytree(known_run.path, folder)
    return folder


@pytest.fixture(scope="module")
def opened(browser: Any, run: Path) -> Iterator[Visit]:
    """The page after the correction, with what it asked for meanwhile, and what it knew before."""
    with view(run) as served, visit(browser, served.address) as found:
        settle(found)
        look_at(found, landmark(run), 1.5, INTO_THE_WALL)
        found.requests.clear()
        before = centres(found)
        move(Run(run), corrected)
        found.wait("v.counters.correction_frames > 0")
        settle(found)
        found.page.before = before
        yield found


def centres(opened: Visit) -> np.ndarray:
    """Of the cameras [N,3], NaN where there is none."""
    rows = opened.call("return Array.from({length: v.state.frames}, (_, row) => [...(v.frame(row).centre ?? [])]);")
    return np.array([row or [np.nan] * 3 for row in rows])


def test_a_frame_costs_few_bytes_and_no_point_comes_again(opened: Visit) -> None:
    counters = opened.call("return [v.counters.correction_bytes, v.counters.correction_frames];")
    assert 0 < counters[1] <= 20 and counters[0] <= FRAME_BYTES * counters[1]
    assert not any("/points/" in url for url in opened.requests)
    asked = [request for request in opened.answered[-20:] if "/poses" in request.url and request.url in opened.requests]
    assert asked and asked[-1].sizes()["responseBodySize"] <= FRAME_BYTES * counters[1]


def test_points_are_where_the_files_now_say(opened: Visit, run: Path) -> None:
    place = landmark(run)
    look_at(opened, place, 1.5, INTO_THE_WALL)
    assert np.abs(colour_at(opened, place) - LANDMARK_RGB).max() <= 10
    assert np.abs(picked(opened, place) - place).max() < 1e-3


def test_there_is_no_step_where_one_submap_ends(opened: Visit) -> None:
    way = np.linalg.norm(centres(opened) - opened.page.before, axis=1)
    way = way[np.isfinite(way)]
    assert way[0] < 1e-6 < 0.3 < way[-1]
    assert np.abs(np.diff(way)).max() < 0.5 * way[-1]
    assert opened.errors == []
