"""A run says what it will take, and does not begin where the disk is short."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from da3_stream import Settings, pipeline
from da3_stream.errors import StoreError
from da3_stream.session import estimate
from da3_stream.session.estimate import OPEN_DENSITY, PER_FRAME, PER_PIXEL, PER_POINT
from da3_stream.session.job import open_job
from da3_stream.session.telling import progress
from tests.worlds.street import SIZE
from tests.worlds.street_predictor import WINDOWS, StandIn, pictures, street

COUNT = 28
DENSITY = Settings().cloud.per_pixel or OPEN_DENSITY
FRAME = round((PER_PIXEL + PER_POINT * DENSITY) * SIZE[0] * SIZE[1]) + PER_FRAME
Usage = namedtuple("Usage", "total used free")


def leave_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, free))


def test_it_counts_frames_windows_and_bytes() -> None:
    with open_job(pictures(COUNT), Settings.build({"windows": WINDOWS}), StandIn()) as job:
        assert estimate.estimate_disk(job) == estimate.DiskEstimate(COUNT, 3, COUNT * FRAME)
        assert estimate.estimate_disk(job, 20).bytes == 8 * FRAME
        assert (
            estimate.estimate_disk(job).text(3 * 10**9) == "28 frames in 3 windows, at most 1 MB of disk (3.0 GB free)"
        )


def test_splats_count_by_their_degree() -> None:
    sizes = [{"gaussians": False}, {"gaussians": True, "degree": 0}, {"gaussians": True}]
    found = [estimate.bytes_of_frames(1, SIZE, Settings.build({"splats": splats})) for splats in sizes]
    assert found == [FRAME, FRAME + 17 * SIZE[0] * SIZE[1], FRAME + 41 * SIZE[0] * SIZE[1]]


def test_of_an_input_of_unknown_length_it_knows_a_window() -> None:
    with open_job(iter(pictures(COUNT)), Settings.build({"windows": WINDOWS}), StandIn()) as job:
        assert estimate.estimate_disk(job) == estimate.DiskEstimate(None, None, 12 * FRAME)
        assert "unknown number, at most 0 MB of disk a window (2 MB free)" in estimate.estimate_disk(job).text(
            2_000_000
        )


@pytest.mark.slow
def test_it_holds_for_a_run(tmp_path: Path) -> None:
    run = street(tmp_path / "run", COUNT)
    used = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    assert used < COUNT * FRAME + estimate.AT_ONCE
    assert "to do: 28 frames in 3 windows, at most 1 MB of disk" in (run / "log.txt").read_text()


def test_a_short_disk_is_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_free(monkeypatch, 1_000_000)
    with pytest.raises(StoreError, match="is short: the first window may take 4. MB, and 1 MB are free; make room"):
        street(tmp_path / "run", COUNT)
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_disk_that_holds_the_first_window_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    leave_free(monkeypatch, estimate.AT_ONCE + 12 * FRAME)
    with open_job(pictures(COUNT), Settings.build({"windows": WINDOWS}), StandIn()) as job:
        with caplog.at_level("WARNING", "da3_stream"):
            estimate.require_disk(tmp_path, job)
        assert "may become short: this run may take 41 MB, and 40 MB are free" in caplog.text
        leave_free(monkeypatch, estimate.AT_ONCE + 12 * FRAME - 1)
        with pytest.raises(StoreError, match="the first window may take"):
            estimate.require_disk(tmp_path, job)
        estimate.require_disk(tmp_path, job, COUNT - 3)  # what is left is less than a window


@pytest.mark.slow
def test_a_run_on_a_short_disk_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = street(tmp_path / "run", COUNT)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    leave_free(monkeypatch, 1_000_000)
    street(run, COUNT)  # finished: nothing is needed
    with pytest.raises(StoreError, match="is short"):
        pipeline.run(pictures(COUNT), run, Settings.build({"windows": WINDOWS}), StandIn(), overwrite=True)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_the_pace_is_told_once_and_counts_this_process_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    pace, told = progress.Pace(900, _start=0.0), []
    for window in range(1, 6):
        clock[0] = 10.0 * window
        told.append(pace.advance(50))
    assert told == [None, None, "5 frames a second: about 2 min left, and the time for the outputs", None, None]


@pytest.mark.parametrize(
    ("left", "said"),
    [(None, "2 frames a second"), (50, "about 50 s left"), (1000, "about 17 min left"), (10000, "about 2.8 h left")],
)
def test_the_time_is_told_in_units_for_people(left: int | None, said: str) -> None:
    assert said in progress.rate_text(2.0, left)
