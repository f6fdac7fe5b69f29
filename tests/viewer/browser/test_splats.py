"""Splats in the browser: what it draws of a known scene, where a correction puts them, and where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from da3_stream.geometry import Sim3
from da3_stream.rendering import render
from da3_stream.splats import write_splats
from da3_stream.store import Run
from da3_stream.types import Gaussians
from tests.viewer.browser.chromium import Visit, visit
from tests.viewer.browser.known_points import move
from tests.viewer.browser.looking import captured, settle
from tests.viewer.browser.served import Served, view
from tests.worlds.known_runs import KnownRun
from tests.worlds.splats import random_gaussians

Array = NDArray[np.float64]

pytestmark = pytest.mark.slow  # a browser that draws without a graphics card

FRAME, COUNT = 4, 2000
BACKGROUND = np.array([0x14, 0x17, 0x1C]) / 255
FAR = Sim3(1.3, Rotation.from_euler("xyz", [20, 130, -40], degrees=True).as_matrix(), [691_000.25, 5_334_000.75, 519.5])
SPLATS = "splats in the place of points"
IN_VIEW = "v.splats.layer.drawn.mesh.geometry.instanceCount"


def known_scene() -> Gaussians[NDArray[Any]]:
    """Of all shapes, turned and coloured in all ways, in the frame of a camera; quaternions have length one."""
    scene = random_gaussians(COUNT)
    return replace(scene, rotations=scene.rotations / np.linalg.norm(scene.rotations, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def run(known_run: KnownRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The street, where a frame of its first submap sees a known scene of splats instead."""
    folder = tmp_path_factory.mktemp("splats") / "run"
    copytree(known_run.path, folder)
    write_splats(Run(folder), 0, [(FRAME, known_scene())])
    return folder


@pytest.fixture(scope="module")
def opened(browser: Any, run: Path) -> Iterator[Visit]:
    with view(run) as served, visit(browser, served.address) as found:
        settle(found)
        assert not any("splats" in url for url in found.requests)
        found.page.get_by_label(SPLATS).check()
        yield found


def seen(opened: Visit) -> tuple[Array, Array]:
    """What the browser draws where the frame's camera stood, and what `render` draws of the same scene there."""
    opened.call(
        "v.set({ show: { path: false, frusta: false, loops: false } }); v.lookThrough(v.table.rowOf(a));", FRAME
    )
    settle(opened)
    drawn = captured(opened).astype(np.float64)
    place = opened.call("return v.imageRectangle();")
    fx, fy, cx, cy, width, height = opened.call("return [...v.frame(v.table.rowOf(a)).intrinsics];", FRAME)
    across, down = place["width"] / width, place["height"] / height
    k = [[fx * across, 0, place["x"] + cx * across], [0, fy * down, place["y"] + cy * down], [0, 0, 1]]
    size = (drawn.shape[1], drawn.shape[0])
    truth = render(known_scene(), np.eye(4), k, size, background=BACKGROUND, device="cpu").colour
    return drawn, 255 * truth.clip(0, 1).astype(np.float64)


def check_picture(opened: Visit) -> None:
    """Its mean colour, and what is where: other orders, turned colours or splats elsewhere differ by 15 and more."""
    drawn, truth = seen(opened)
    assert np.abs(drawn.mean(axis=(0, 1)) - truth.mean(axis=(0, 1))).max() <= 10
    assert np.abs(drawn - truth).mean() <= 10


def test_a_known_scene_has_the_colours_that_the_package_draws(opened: Visit) -> None:
    check_picture(opened)
    assert opened.call("return [v.splats.offered, v.counters.splats_drawn, v.points.clouds.group.visible];") == [
        COUNT,
        COUNT,
        False,
    ]
    opened.page.get_by_text(f"Drawn now: all {COUNT:,} splats.").wait_for()


def test_a_correction_carries_them_along_and_none_comes_again(opened: Visit, run: Path) -> None:
    """Far from the origin, too."""
    asked = [url for url in opened.requests if "/splats/" in url]
    assert asked
    opened.requests.clear()
    move(Run(run), lambda _: FAR)
    opened.wait("v.counters.correction_frames > 0")
    check_picture(opened)
    assert not any("/splats" in url for url in opened.requests)
    assert np.linalg.norm(opened.call("return [...v.eye.position];")) > 1e6


def test_they_follow_time_and_clip_and_points_come_back(opened: Visit) -> None:
    settle(opened)
    whole = opened.call(f"return {IN_VIEW};")
    opened.call("v.set({ time: [0.9, 1.0] });")
    opened.wait(f"{IN_VIEW} === 0")  # on a slow machine only once the eye rests
    opened.call("""
        const [x, y, z] = v.toUpright(v.eye.position.map((value, axis) => value + 3 * v.eye.forward[axis]));
        v.set({ time: null, clip: { min: [x, y - 1e3, z - 1e3], max: [x + 1e3, y + 1e3, z + 1e3] } });""")
    opened.wait(f"0 < {IN_VIEW} && {IN_VIEW} < {whole}")
    opened.call("v.set({ clip: null });")
    opened.page.get_by_label(SPLATS).uncheck()
    settle(opened)
    assert opened.call("return [v.counters.splats_drawn, v.points.clouds.group.visible];") == [0, True]
    assert opened.errors == []


def test_a_browser_that_cannot_says_why(opened: Visit) -> None:
    opened.call("v.set({ splats: false }); v.renderer.renderer.capabilities.maxTextureSize = 2048;")
    opened.call("v.set({ splats: true }); await v.drawn();")
    opened.page.get_by_text("This browser cannot draw splats").wait_for()
    opened.page.get_by_role("checkbox", name=SPLATS, disabled=True).wait_for()
    assert opened.call("return v.counters.splats_drawn;") == 0


def test_a_run_without_splats_offers_none(browser: Any, served: Served) -> None:
    with visit(browser, f"{served.address}#splats=1") as found:
        settle(found)
        assert not found.page.get_by_text(SPLATS).is_visible()
        assert not any("splats" in url.partition("#")[0] for url in found.requests)
