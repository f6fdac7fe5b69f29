"""Nothing jitters and nothing is lost where numbers are large: map coordinates, and a drive of five kilometres."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from tests.viewer.browser.chromium import visit
from tests.viewer.browser.known_points import landmark, moved_copy, shift, world_points
from tests.viewer.browser.looking import INTO_THE_WALL, look_at, on_screen, picked, picture, settle
from tests.viewer.browser.served import Served, view
from tests.worlds.known_runs import KnownRun

pytestmark = pytest.mark.slow  # a browser that draws without a graphics card

ON_THE_MAP = shift(500_000.0, 5_600_000.0, 300.0)
APART = {0: Sim3.identity(), 1: shift(0.0, 0.0, 5_000.0)}
MM_PER_KM = 1e-6
STEPS = [np.array([0.0, 0.001 * k, 0.0005 * k]) for k in range(4)]  # of the eye, a millimetre each


def test_picked_positions_are_exact_over_five_kilometres(browser: Any, known_run: KnownRun, tmp_path: Path) -> None:
    run = moved_copy(known_run, tmp_path / "run", APART.__getitem__)
    xyz, _ = world_points(run)
    far = xyz[xyz[:, 2] > 4_000]
    with view(run) as served, visit(browser, served.address) as opened:
        settle(opened)
        for place in [*far[:: len(far) // 4][:4], xyz[0]]:
            look_at(opened, place, 2.0, [0.3, 0.3, 1.0])
            near = np.linalg.norm(xyz - picked(opened, place), axis=1).min()
            assert near < max(MM_PER_KM * np.linalg.norm(place), 1e-3)
        assert opened.errors == []


def test_on_the_map_all_looks_as_at_the_origin(
    browser: Any, known_run: KnownRun, served: Served, tmp_path: Path
) -> None:
    run = moved_copy(known_run, tmp_path / "run", lambda submap: ON_THE_MAP)
    offset = ON_THE_MAP.translation
    place = landmark(known_run.path)
    with view(run) as far, visit(browser, far.address) as there, visit(browser, served.address) as here:
        settle(there)
        settle(here)
        for step in STEPS:
            look_at(here, place + step, 1.5, INTO_THE_WALL)
            look_at(there, place + step + offset, 1.5, INTO_THE_WALL)
            assert np.hypot(*np.subtract(on_screen(here, place), on_screen(there, place + offset))) < 0.05
            seen_here, seen_there = (picture(opened)[100:300, 20:400].astype(int) for opened in (here, there))
            differs = np.abs(seen_here - seen_there).max(axis=2) > 10
            assert differs.mean() < 0.005, f"{differs.mean():.4f} of the pixels differ"
        assert np.abs(picked(there, place + offset) - picked(here, place) - offset).max() < 1e-6 * 5
        assert there.errors == []
