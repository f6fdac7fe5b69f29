"""A page that is open lives through the end of the run, however it ends, and goes on when the run does."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import copy, copytree
from typing import Any

import numpy as np
import pytest

from da3_stream.store import Run
from tests.viewer.browser.chromium import visit
from tests.viewer.browser.known_points import landmark
from tests.viewer.browser.looking import CORNER, INTO_THE_WALL, colour_at, look_at, settle
from tests.viewer.browser.served import view
from tests.worlds.known_runs import KnownRun
from tests.worlds.known_street import LANDMARK_RGB

pytestmark = pytest.mark.slow  # a browser that draws without a graphics card

WORK = """
import sys, time
from pathlib import Path
from da3_stream.store import Run, lock_run
with lock_run(Run(Path(sys.argv[1]))):
    print("at work", flush=True)
    time.sleep(120)
"""


@contextmanager
def at_work(run: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the run's lock as a run does, until it is killed."""
    with subprocess.Popen([sys.executable, "-c", WORK, str(run)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "at work\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def half(known_run: KnownRun, tmp_path: Path) -> Run:
    """The run when it had stored its first submap."""
    copytree(known_run.path, tmp_path / "run")
    run = Run(tmp_path / "run")
    for path in (run.submap_path(1), run.page_path(1), run.levels_path(1)):
        path.unlink()
    scene = run.read_scene()
    run.write_scene(replace(scene, submaps=scene.submaps[:1]))
    run.write_status({**run.read_status(), "state": "running", "source_indices": [], "timestamps": []})
    return run


def go_on(run: Run, whole: Run) -> None:
    """Store the second submap as runs do: files first, the scene behind them."""
    for name in ("submap_path", "page_path", "levels_path"):
        copy(getattr(whole, name)(1), getattr(run, name)(1))
    run.write_scene(whole.read_scene())


def test_a_page_survives_a_kill_and_a_restart_of_the_run(browser: Any, half: Run, known_run: KnownRun) -> None:
    with view(half.path) as served, visit(browser, served.address) as opened:
        with at_work(half.path) as process:
            opened.wait("v.state && v.state.run.state === 'running'")
            settle(opened)
            few = opened.call("return v.state.frames;")
            process.send_signal(signal.SIGKILL)
        opened.wait("v.state.run.state === 'interrupted'")
        place = landmark(half.path)
        look_at(opened, place, 1.5, INTO_THE_WALL)
        assert np.abs(colour_at(opened, place) - LANDMARK_RGB).max() <= 10
        with at_work(half.path):
            opened.wait("v.state.run.state === 'running'")
            go_on(half, Run(known_run.path))
            opened.wait(f"v.state.frames > {few}")
            half.write_status(Run(known_run.path).read_status())
            opened.wait("v.state.run.state === 'finished'")
        settle(opened)
        assert opened.call("return v.state.submaps.length;") == 2
        opened.call("v.fit(); await v.drawn();")
        opened.wait(f"v.counters.points_drawn > {opened.call('return v.state.submaps[0].points;')}")
        assert opened.errors == []


def test_a_page_goes_on_with_the_server_that_comes_back(browser: Any, known_run: KnownRun) -> None:
    with view(known_run.path) as served:
        port = served.address.rstrip("/").rsplit(":", 1)[1]
        with visit(browser, served.address) as opened:
            settle(opened)
            served.process.kill()
            served.process.wait()
            with view(known_run.path, port=port):
                click = "await v.source.frame(8)"
                opened.page.wait_for_function(f"async () => {{ const v = window.da3_viewer; return {click}; }}")
                opened.page.reload()
                settle(opened)


def test_what_was_picked_in_a_run_that_is_begun_anew_is_gone(browser: Any, known_run: KnownRun, tmp_path: Path) -> None:
    copytree(known_run.path, tmp_path / "run")
    run = Run(tmp_path / "run")
    run.write_status({**run.read_status(), "started": "2026-01-01T10:00:00+00:00"})
    with view(run.path) as served, visit(browser, served.address) as opened:
        settle(opened)
        look_at(opened, landmark(run.path), 1.5, INTO_THE_WALL)
        opened.page.keyboard.press("m")
        width, height = opened.call("return [v.eye.width, v.eye.height];")
        left, top = opened.page.evaluate(CORNER)
        for share in (0.45, 0.55):
            opened.page.mouse.click(left + share * width, top + height / 2)
        assert opened.page.locator("#panel-measure .value").count() == 1
        opened.call("v.select(3);")
        run.write_status({**run.read_status(), "started": "2026-01-01T11:00:00+00:00"})
        opened.page.get_by_text("The run was begun anew").wait_for()
        assert opened.page.locator("#panel-measure .value").count() == 0
        assert opened.call("return v.selected;") is None
        settle(opened)
        opened.page.reload()
        settle(opened)
        assert opened.page.locator("#panel-measure .value").count() == 0
        assert opened.errors == []
