"""The page in one file, opened from disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da3_stream.export.exporting import export_run
from tests.viewer.browser.chromium import Visit, visit
from tests.viewer.browser.known_points import closest_picture, landmark
from tests.viewer.browser.looking import (
    INTO_THE_WALL,
    click_camera,
    colour_at,
    look_at,
    picked,
    settle,
    shown_picture,
)
from tests.worlds.known_runs import KnownRun
from tests.worlds.known_street import LANDMARK_RGB

pytestmark = pytest.mark.slow  # a browser that draws without a graphics card


@pytest.fixture(scope="module")
def opened(browser: Any, known_run: KnownRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    path, _ = export_run(known_run.path, "page", tmp_path_factory.mktemp("sent") / "Straße & 道.html")
    with visit(browser, path.as_uri()) as found:
        settle(found)
        yield found


def test_a_known_point_is_on_its_pixel_with_its_colour(opened: Visit, known_run: KnownRun) -> None:
    place = landmark(known_run.path)
    look_at(opened, place, 1.5, INTO_THE_WALL)
    assert np.abs(colour_at(opened, place) - LANDMARK_RGB).max() <= 10
    assert np.abs(picked(opened, place) - place).max() < 1e-3


def test_a_click_on_a_camera_shows_its_picture(opened: Visit) -> None:
    click_camera(opened, 8)
    assert closest_picture(shown_picture(opened)) == 8


def test_the_figures_of_the_report_are_there(opened: Visit) -> None:
    opened.page.get_by_role("tab", name="Files").click()
    assert "15" in opened.page.inner_text(".figures")


def test_nothing_was_asked_for_and_nothing_went_wrong(opened: Visit) -> None:
    assert opened.errors == []
    assert [url for url in opened.requests if not url.startswith(("data:", "blob:"))] == [opened.requests[0]]
    assert Path(opened.requests[0]).suffix == ".html"


def test_its_policy_lets_nothing_else_run(opened: Visit) -> None:
    opened.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p>more</p>')")
    opened.page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.foreign = 1';"
        "document.body.append(script); }"
    )
    assert opened.page.evaluate("window.foreign") is None
    refused = opened.page.evaluate("() => fetch('http://127.0.0.1:9/').then(() => false, () => true)")
    assert refused
    opened.errors.clear()  # Chromium tells both
