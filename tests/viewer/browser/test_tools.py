"""What people do with the panels: measure, mark, read keys; names of files are texts and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from tests.viewer.browser.chromium import PHONE, Visit, visit
from tests.viewer.browser.known_points import landmark, world_points
from tests.viewer.browser.looking import CORNER, INTO_THE_WALL, in_view, look_at, settle
from tests.viewer.browser.served import Served, view
from tests.worlds.known_runs import KnownRun

pytestmark = pytest.mark.slow  # a browser that draws without a graphics card


@pytest.fixture
def opened(browser: Any, served: Served) -> Iterator[Visit]:
    """The page before the wall of the known street."""
    with visit(browser, served.address) as found:
        settle(found)
        look_at(found, landmark(served.run), 1.5, INTO_THE_WALL)
        yield found


def _places(opened: Visit, run: Path) -> list[tuple[float, float]]:
    """Where two points of the wall are in the view, CSS pixels: the landmark, and one about 0.3 from it."""
    (xyz, _), first = world_points(run), landmark(run)
    on_wall = xyz[np.abs(xyz[:, 0] - first[0]) < 0.02]
    second = on_wall[np.abs(np.linalg.norm(on_wall - first, axis=1) - 0.3).argmin()]
    return [in_view(opened, place) for place in (first, second)]


def _distance(opened: Visit, places: list[tuple[float, float]]) -> float:
    """Between the points that are picked there."""
    a, b = (opened.call("return Array.from(v.pick(a[0], a[1]).position);", list(place)) for place in places)
    return float(np.linalg.norm(np.subtract(a, b)))


def _said(opened: Visit) -> tuple[float, float]:
    """The last measurement of the panel and its sigma."""
    words = opened.page.locator("#panel-measure .value").last.text_content().replace(",", "").split(" ")
    return float(words[0]), float(words[2])


def test_a_distance_is_that_of_the_picked_points_and_outlives_a_reload(opened: Visit, served: Served) -> None:
    places = _places(opened, served.run)
    expected, (left, top) = _distance(opened, places), opened.page.evaluate(CORNER)
    opened.page.keyboard.press("m")
    for x, y in places:
        opened.page.mouse.click(left + x, top + y)
    value, sigma = _said(opened)
    assert sigma > 0 and abs(value - expected) <= max(sigma, 0.01 * expected)
    opened.page.reload()
    settle(opened)
    assert _said(opened) == (value, sigma)
    assert opened.errors == []


def test_a_distance_by_touch_on_a_narrow_screen(browser: Any, served: Served) -> None:
    with visit(browser, served.address, PHONE) as phone:
        settle(phone)
        assert not phone.page.locator("#panel-measure").is_visible()
        phone.page.get_by_role("tab", name="Measure").tap()
        phone.page.get_by_role("button", name="Distance").tap()
        look_at(phone, landmark(served.run), 1.5, INTO_THE_WALL)
        places, (left, top) = _places(phone, served.run), phone.page.evaluate(CORNER)
        for x, y in places:
            phone.page.touchscreen.tap(left + x, top + y)
        assert abs(_said(phone)[0] / _distance(phone, places) - 1) < 0.02
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_mark_becomes_a_line_for_opendronemap(opened: Visit, tmp_path: Path) -> None:
    page = opened.page
    page.get_by_role("tab", name="Marks").click()
    opened.call("v.select(8);")
    page.get_by_role("button", name="New point").click()
    page.locator("#gcp-system").fill("EPSG:32632")
    photo = page.locator("#panel-marks .photo")
    photo.scroll_into_view_if_needed()
    box = photo.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.get_by_text("px from the ring").wait_for()
    assert page.get_by_text("A has coordinates of the run's own world").is_visible()
    for place, value in enumerate(("691000.5", "5334000")):
        page.locator("#panel-marks input[inputmode=decimal]").nth(place).fill(value)
        page.keyboard.press("Tab")
    with page.expect_download() as given:
        page.get_by_role("button", name="Download gcp_list.txt").click()
    given.value.save_as(tmp_path / "gcp_list.txt")
    header, line, end = (tmp_path / "gcp_list.txt").read_text().split("\n")
    details = opened.call("return (await v.source.frame(8)).picture;")
    x, y, name, label = (cast(text) for cast, text in zip((float, float, str, str), line.split(" ")[3:], strict=True))
    assert line.startswith("691000.500 5334000.000 ")
    assert (header, name, label, end) == ("EPSG:32632", details["name"], "A", "")
    assert abs(x + 0.5 - details["width"] / 4) <= details["width"] / box["width"]
    assert abs(y + 0.5 - details["height"] / 2) <= details["height"] / box["height"]
    off = page.get_by_text("px from the ring").text_content().strip(" (").split(" ")[0]
    assert float(off) < 0.1  # the depth under the mark leads back to it


def test_keys_are_told_and_the_dialog_closes(opened: Visit) -> None:
    opened.page.keyboard.press("?")
    assert opened.page.get_by_role("dialog").is_visible()
    opened.page.keyboard.press("Escape")
    assert opened.page.get_by_role("dialog").count() == 0


def test_names_are_texts(browser: Any, known_run: KnownRun, tmp_path: Path) -> None:
    name = "<img src=x onerror=document.title=1> & co"
    copytree(known_run.path, tmp_path / name)
    (tmp_path / name / "export").mkdir()
    (tmp_path / name / "export" / "<b>cloud.ply").write_bytes(b"ply")
    with view(tmp_path / name) as served, visit(browser, served.address) as found:
        settle(found)
        assert found.page.get_by_role("heading", level=1).text_content() == name
        found.page.get_by_role("tab", name="Files").click()
        assert "<b>cloud.ply" in found.page.locator("#panel-files").text_content()
        assert found.page.locator("#panel-files b, h1 img").count() == 0
        assert found.page.title().startswith(name)


def test_what_is_shown_outlives_a_reload(opened: Visit) -> None:
    opened.page.get_by_label("clip to a box").check()
    opened.page.get_by_label("cameras", exact=True).uncheck()
    opened.page.get_by_label("light colours").check()
    opened.page.get_by_label("Colour by").select_option("height")
    opened.page.get_by_role("tab", name="Measure").click()
    asked = "return [v.settings, document.documentElement.dataset.theme, v.eye.position];"
    before = opened.call(asked)
    assert before[0]["clip"] is not None and not before[0]["show"]["frusta"]
    opened.page.wait_for_function("() => location.hash.includes('height')")
    opened.page.reload()
    settle(opened)
    after = opened.call(asked)
    assert after[1] == before[1] == "light"
    assert {**after[0], "clip": None} == {**before[0], "clip": None}
    for end in ("min", "max"):
        np.testing.assert_allclose(after[0]["clip"][end], before[0]["clip"][end], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(after[2], before[2], rtol=1e-9, atol=1e-9)
    assert opened.page.get_by_role("tab", name="Measure").get_attribute("aria-selected") == "true"
    opened.page.get_by_role("tab", name="View").click()
    assert opened.page.get_by_label("clip to a box").is_checked()
    assert opened.page.get_by_label("light colours").is_checked()
    assert opened.errors == []
