"""What a visitor of a finished run sees, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.viewer.browser.chromium import PHONE, Visit, visit
from tests.viewer.browser.known_points import closest_picture, landmark
from tests.viewer.browser.looking import (
    INTO_THE_WALL,
    click_camera,
    colour_at,
    look_at,
    on_screen,
    picked,
    settle,
    shown_picture,
)
from tests.viewer.browser.served import Served, view
from tests.worlds.known_runs import KnownRun
from tests.worlds.known_street import LANDMARK_RGB

pytestmark = pytest.mark.slow  # a browser that draws without a graphics card

MOST_POINTS, MOST_MEGABYTES = 3_000_000, 64
FIRST_BYTES, FIRST_REQUESTS = 3_000_000, 20


@pytest.fixture(scope="module")
def opened(browser: Any, served: Served) -> Iterator[Visit]:
    """The page, whose first view has come."""
    with visit(browser, served.address) as found:
        settle(found)
        yield found


def check_landmark(opened: Visit, served: Served) -> None:
    """It is on its pixel, in its colour, and where one picks it."""
    place = landmark(served.run)
    look_at(opened, place, 1.5, INTO_THE_WALL)
    assert np.abs(colour_at(opened, place) - LANDMARK_RGB).max() <= 10
    assert np.abs(picked(opened, place) - place).max() < 1e-3


def test_before_the_first_picture_little_is_asked_for(opened: Visit) -> None:
    counters = opened.call("return {...['bytes', 'requests'].reduce((all, name) => ({...all, "
                           "[name]: v.counters[name + '_before_first_picture']}), {})};")  # fmt: skip
    page = sum(request.sizes()["responseBodySize"] for request in opened.answered if "/assets/" in request.url)
    assert 0 < counters["bytes"] + page <= FIRST_BYTES and page <= 2_000_000
    assert 0 < counters["requests"] + 3 <= FIRST_REQUESTS  # and the page, its style and its script


def test_a_known_point_is_on_its_pixel_with_its_colour(opened: Visit, served: Served) -> None:
    check_landmark(opened, served)


def test_a_click_on_a_camera_shows_its_picture(opened: Visit) -> None:
    click_camera(opened, 8)
    assert closest_picture(shown_picture(opened)) == 8


def test_what_is_drawn_is_bounded(opened: Visit) -> None:
    counters = opened.call("v.fit(); await v.drawn(); const c = v.counters;"
                           "return {points: c.points_drawn, megabytes: c.megabytes_drawn};")  # fmt: skip
    assert 0 < counters["points"] <= MOST_POINTS and 0 < counters["megabytes"] <= MOST_MEGABYTES


def test_a_reload_shows_the_same_place(opened: Visit, served: Served) -> None:
    place = landmark(served.run)
    look_at(opened, place, 1.5, INTO_THE_WALL)
    before = on_screen(opened, place)
    opened.page.wait_for_timeout(600)  # until the view has gone into the address
    opened.page.reload()
    settle(opened)
    assert np.hypot(*np.subtract(on_screen(opened, place), before)) < 1.0
    assert np.abs(colour_at(opened, place) - LANDMARK_RGB).max() <= 10


def test_nothing_went_wrong_and_nobody_else_was_asked(opened: Visit, served: Served) -> None:
    assert opened.errors == [] and opened.hosts() == {urlsplit(served.address).netloc}


def test_several_look_at_different_things_at_once(browser: Any, served: Served, opened: Visit) -> None:
    place = landmark(served.run)
    look_at(opened, place, 1.5, INTO_THE_WALL)
    with visit(browser, served.address) as second, visit(browser, served.address) as third:
        for other in (second, third):
            settle(other)
            click_camera(other, 12)
        check_landmark(opened, served)
        assert [other.call("return v.selected;") for other in (second, third)] == [12, 12]
        assert second.errors == third.errors == []


def test_a_phone_shows_all_of_it_and_is_used_by_touch(browser: Any, served: Served) -> None:
    with visit(browser, served.address, PHONE) as phone:
        settle(phone)
        widths = phone.page.evaluate("[document.documentElement.scrollWidth, innerWidth, innerHeight]")
        assert widths == [390, 390, 844]
        check_landmark(phone, served)
        click_camera(phone, 8)
        assert closest_picture(shown_picture(phone)) == 8
        assert phone.errors == []


def test_a_run_of_before_levels_of_detail_is_shown_all_the_same(
    browser: Any, known_run: KnownRun, tmp_path: Path
) -> None:
    copytree(known_run.path, tmp_path / "run", ignore=ignore_patterns("*.levels"))
    with view(tmp_path / "run") as older, visit(browser, older.address) as opened:
        settle(opened)
        check_landmark(opened, older)
        assert opened.errors == []
