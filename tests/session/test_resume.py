"""A run that was cut short goes on as if nothing had happened, and one that is finished is left alone."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream import Settings, pipeline
from da3_stream.errors import PredictorError, RunError, StoreError
from da3_stream.geometry import Sim3
from da3_stream.store import Georeference, Run, create_run, open_run, read_tree, write_tree
from da3_stream.types import Advice, AdviceCode, Frame, WindowGeometry
from tests.worlds.street import SIZE
from tests.worlds.street_predictor import NO_ROAD, WINDOWS, StandIn, pictures, street
from tests.worlds.towns import make_town

COUNT, LAST = 45, 5  # frames, and the number of their last window
SETTINGS = Settings.build({"windows": WINDOWS, "scale": NO_ROAD})

CutShort = Callable[[Path, int], None]


class Counting(StandIn):
    """Counts what it is asked for, keeps that count through a kill, and stops before one of the windows."""

    def __init__(self, stop_before: int | None = None) -> None:
        super().__init__()
        self.first_frames: list[int] = []
        self.seen = 0
        self._stop_before = stop_before

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        if len(self.first_frames) == self._stop_before:
            raise KeyboardInterrupt
        self.first_frames.append(frames[0].index)
        self.seen += 1
        return super().predict(frames)

    def state(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def restore(self, state: dict[str, Any]) -> None:
        self.seen = state["seen"]


def contents(run: Path) -> dict[str, Any]:
    """All that must not depend on interruptions: files by their bytes, the journal without its times."""
    names = ["trajectory.tum", "trajectory.kitti", "cloud.ply", "scene.json", "intrinsics.txt", "frames.csv"]
    names += [f"{folder}/{path.name}" for folder in ("windows", "cloud") for path in (run / folder).iterdir()]
    events = [json.loads(line) for line in (run / "journal.jsonl").open()]
    return {name: (run / name).read_bytes() for name in names} | {
        "journal": [{key: value for key, value in event.items() if key != "time"} for event in events]
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing befell, for tests to copy."""
    return street(tmp_path_factory.mktemp("undisturbed") / "run", COUNT)


@pytest.fixture(scope="module")
def undisturbed(finished: Path) -> dict[str, Any]:
    return contents(finished)


@pytest.fixture(scope="module")
def cut_short(tmp_path_factory: pytest.TempPathFactory) -> CutShort:
    """Leaves a run that was stopped after so many windows: of a directory that is there, or the copy of one."""
    made: dict[int, Path] = {}

    def stop(out: Path, after: int) -> None:
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(pictures(COUNT), out, SETTINGS, Counting(after))

    def copy(out: Path, after: int) -> None:
        if out.exists():
            return stop(out, after)
        if after not in made:
            made[after] = tmp_path_factory.mktemp("cut") / "run"
            stop(made[after], after)
        shutil.copytree(made[after], out)

    return copy


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run in a unit of its own, for tests to copy."""
    return street(tmp_path_factory.mktemp("scaled") / "run", COUNT, scale={"factor": 2.0})


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 2, LAST - 1])
def test_it_goes_on_where_it_stopped_and_ends_alike(
    cut_short: CutShort, tmp_path: Path, undisturbed: dict[str, Any], after: int
) -> None:
    cut_short(tmp_path / "run", after)
    predictor = Counting()
    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, predictor)
    assert predictor.first_frames[0] == 8 * after and predictor.seen == LAST + 1
    assert contents(tmp_path / "run") == undisturbed
    status = open_run(tmp_path / "run").read_status()
    assert status["state"] == "finished" and status["source_indices"] == list(range(COUNT))
    assert status["interruptions"] == [{"state": "interrupted", "after_window": after - 1}]
    assert status["windows"] == LAST + 1


class Advising(Counting):
    """Its windows doubt the lens from frame 20 on, and say of themselves how many were seen."""

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        geometry = super().predict(frames)
        first, last = frames[0].index, frames[-1].index
        doubt = Advice(AdviceCode.LENS_DOUBTFUL, f"window at {first}", max(first, 20), last)
        unseen = Advice(AdviceCode.LENS_NOT_OBSERVED, f"window at {first}", first, first)
        return replace(geometry, advice=(doubt, unseen) if last >= 20 else ())


@pytest.mark.slow
def test_a_resumed_run_says_what_an_undisturbed_one_says(tmp_path: Path) -> None:
    settings = Settings.build({"windows": WINDOWS})  # the height over the road is asked for, too
    whole = pipeline.run(pictures(COUNT), tmp_path / "whole", settings, Advising())
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(pictures(COUNT), tmp_path / "run", settings, Advising(4))
    pipeline.run(pictures(COUNT), tmp_path / "run", settings, Advising())
    assert contents(tmp_path / "run") == contents(whole)
    told, again = open_run(whole).read_status(), open_run(tmp_path / "run").read_status()
    assert (told["trust"], told["advice"]) == (again["trust"], again["advice"])
    assert [(row["from_s"], row["to_s"]) for row in told["trust"]["stretches"]] == [(20 / 30, (COUNT - 1) / 30)]
    assert [row["code"] for row in told["advice"]] == ["lens_not_observed"] * 4


@pytest.mark.slow
def test_it_can_be_cut_short_again_and_again(cut_short: CutShort, tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    for after in (2, 1, 2):
        cut_short(tmp_path / "run", after)
    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Counting())
    assert contents(tmp_path / "run") == undisturbed
    assert len(open_run(tmp_path / "run").read_status()["interruptions"]) == 3


@pytest.mark.slow
def test_before_the_first_window_is_finished_it_begins_anew(
    cut_short: CutShort, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    cut_short(tmp_path / "run", 0)
    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Counting())
    assert contents(tmp_path / "run") == undisturbed


@pytest.mark.slow
def test_a_finished_run_is_left_alone(tmp_path: Path, finished: Path, undisturbed: dict[str, Any]) -> None:
    shutil.copytree(finished, tmp_path / "run")
    predictor = Counting()
    assert pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, predictor) == tmp_path / "run"
    assert predictor.first_frames == [] and contents(tmp_path / "run") == undisturbed


@pytest.mark.slow
def test_what_a_kill_left_behind_the_last_window_is_dropped(
    cut_short: CutShort, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    cut_short(tmp_path / "run", 3)
    for name in ("journal.jsonl", "resume/windows.jsonl"):
        with (tmp_path / "run" / name).open("a") as file:
            file.write('{"event": "windo')
    (tmp_path / "run" / "windows" / "000003.npz").write_bytes(b"torn")
    (tmp_path / "run" / "cloud" / ".000003.laz.tmp").write_bytes(b"torn")
    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Counting())
    assert contents(tmp_path / "run") == undisturbed


def files(run: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_damaged_file_is_named_and_nothing_is_touched(
    cut_short: CutShort, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    run = tmp_path / "run"
    cut_short(run, 3)
    for name in ("windows/000001.npz", "resume/tip.npz", "resume/windows.jsonl", "journal.jsonl"):
        whole = (run / name).read_bytes()
        (run / name).write_bytes(whole[: len(whole) // 2])
        before = files(run)
        with pytest.raises(StoreError, match=f"cannot go on .*{name} is damaged: .*, or begin anew with --overwrite"):
            pipeline.run(pictures(COUNT), run, SETTINGS, Counting())
        assert files(run) == before
        (run / name).write_bytes(whole)
    pipeline.run(pictures(COUNT), run, SETTINGS, Counting())
    assert contents(run) == undisturbed


@pytest.mark.slow
def test_a_checkpoint_of_another_version_is_refused_and_nothing_is_touched(
    cut_short: CutShort, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    run = tmp_path / "run"
    cut_short(run, 3)
    latest = read_tree(run / "resume" / "tip.npz")
    unnumbered = {key: value for key, value in latest.items() if key != "version"}
    for other in (unnumbered, {**unnumbered, "version": 2}):
        write_tree(run / "resume" / "tip.npz", other)
        before = files(run)
        with pytest.raises(StoreError, match="another version of this program began it; finish it .*--overwrite"):
            pipeline.run(pictures(COUNT), run, SETTINGS, Counting())
        assert files(run) == before
    pipeline.run(pictures(COUNT), run, SETTINGS, Counting(), overwrite=True)
    assert contents(run) == undisturbed


@pytest.mark.slow
def test_a_run_of_an_unknown_layout_is_neither_gone_on_with_nor_touched(
    cut_short: CutShort, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    run = tmp_path / "run"
    cut_short(run, 1)
    status = open_run(run).read_status()
    for other in ({"state": "interrupted", "layout": 2}, {"state": "finished", "layout": None}):
        Run(run).write_status({**status, **other})
        before = files(run)
        with pytest.raises(StoreError, match="has layout .*, and this version of the program knows layout 1 only"):
            pipeline.run(pictures(COUNT), run, SETTINGS, Counting(), with_changes=True)
        assert files(run) == before
    pipeline.run(pictures(COUNT), run, SETTINGS, Counting(), overwrite=True)
    assert contents(run) == undisturbed


@pytest.mark.slow
def test_a_run_that_tells_no_layout_is_gone_on_with(
    cut_short: CutShort, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    cut_short(tmp_path / "run", 3)
    status = open_run(tmp_path / "run").read_status()
    assert [*status][:2] == ["state", "layout"] and status.pop("layout") == 1
    Run(tmp_path / "run").write_status(status)
    predictor = Counting()
    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, predictor)
    assert predictor.first_frames[0] == 24 and contents(tmp_path / "run") == undisturbed
    assert open_run(tmp_path / "run").read_status()["layout"] == 1


@pytest.mark.slow
def test_a_run_that_was_killed_when_it_was_just_created_begins(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    assert create_run(tmp_path / "run").read_status() == {"state": "running"}
    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Counting())
    assert contents(tmp_path / "run") == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("call", [17, 25, 43])
def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    calls, fsync = count(1), os.fsync

    def full(number: int) -> None:
        if next(calls) >= call:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(number)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match="the run broke off: cannot write .*: No space left on device; what was"):
            pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Counting())
    predictor = Counting()
    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, predictor)
    assert predictor.first_frames[0] > 0 and contents(tmp_path / "run") == undisturbed


@pytest.mark.slow
def test_other_settings_are_refused_by_name(cut_short: CutShort, tmp_path: Path) -> None:
    cut_short(tmp_path / "run", 3)
    other = SETTINGS.model_copy(update={"loops": SETTINGS.loops.model_copy(update={"reach": 5})})
    with pytest.raises(StoreError, match=r"other settings \(loops.reach was 10, now 5\): give another directory"):
        pipeline.run(pictures(COUNT), tmp_path / "run", other, Counting())


@pytest.mark.slow
def test_settings_of_the_map_may_change_when_asked(tmp_path: Path, finished: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    other = SETTINGS.model_copy(update={"cloud": SETTINGS.cloud.model_copy(update={"max_points": 500})})
    with pytest.raises(StoreError, match="cloud.max_points was None, now 500.: --resume-with-changes"):
        pipeline.run(pictures(COUNT), tmp_path / "run", other, Counting())
    predictor = Counting()
    pipeline.run(pictures(COUNT), tmp_path / "run", other, predictor, with_changes=True)
    assert predictor.first_frames == []
    header, _, _ = (tmp_path / "run" / "cloud.ply").read_bytes().partition(b"end_header")
    assert b"element vertex 500\n" in header


@pytest.mark.slow
def test_another_input_is_refused(cut_short: CutShort, tmp_path: Path) -> None:
    cut_short(tmp_path / "run", 3)
    with pytest.raises(StoreError, match="already holds a run of another input"):
        pipeline.run(pictures(COUNT)[1:], tmp_path / "run", SETTINGS, Counting())


@pytest.mark.slow
def test_a_second_process_is_refused(tmp_path: Path) -> None:
    inside = []

    class Nested(Counting):
        def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
            if not inside:
                inside.append("once")
                with pytest.raises(StoreError, match="another process"):
                    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Counting())
            return super().predict(frames)

    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Nested())
    assert open_run(tmp_path / "run").read_status()["state"] == "finished"


@pytest.mark.slow
def test_a_state_that_no_file_can_hold_is_one_sentence(tmp_path: Path) -> None:
    class Odd(StandIn):
        def state(self) -> object:
            return object()

    with pytest.raises(RunError, match="must be of dicts, lists, numbers") as caught:
        pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Odd())
    assert isinstance(caught.value.__cause__, PredictorError)


def stopped(count: int) -> list[NDArray[np.uint8]]:
    """Pictures of the town that move, stand still for a while, go black once, and jump elsewhere."""
    town = make_town("block", frames=count, size=(96, 72))
    moving = [frame.image for frame in town]
    half = count // 2
    black = np.zeros_like(moving[0])
    return [*moving[:half], *[moving[half]] * 30, black, *moving[half:]]


class Cropping(Counting):
    """Takes pictures of any size."""

    def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
        return super().predict([replace(frame, image=frame.image[: SIZE[1], : SIZE[0]]) for frame in frames])


@pytest.mark.slow
def test_what_the_gate_left_out_is_left_out_again(tmp_path: Path) -> None:
    images = stopped(60)
    tree = {"windows": WINDOWS, "scale": NO_ROAD, "frames": {"gate": "auto"}, "loops": {"descriptor": "off"}}
    settings = Settings.build(tree)
    whole = pipeline.run(images, tmp_path / "whole", settings, Cropping())
    for after in (1, 2):  # windows, each time
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(images, tmp_path / "run", settings, Cropping(after))
    pipeline.run(images, tmp_path / "run", settings, Cropping())
    assert contents(tmp_path / "run") == contents(whole)
    told, expected = (open_run(run).read_status() for run in (tmp_path / "run", whole))
    for key in ("source_indices", "timestamps", "left_out_by_reason", "interpolated", "windows_by_status", "keyframes"):
        assert told[key] == expected[key]
    assert told["left_out_by_reason"]["still"] >= 25


@pytest.mark.slow
def test_where_a_run_lies_on_the_earth_is_kept_when_it_goes_on(cut_short: CutShort, tmp_path: Path) -> None:
    cut_short(tmp_path / "run", 3)
    run = open_run(tmp_path / "run")
    known = Georeference("EPSG:32632", Sim3(1.5, np.eye(3), np.array([5e5, 5e6, 400.0])))
    run.write_scene(replace(run.read_scene(), georeference=known))
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Counting(2))
    (tmp_path / "run" / "scene.json").unlink()  # what is known of it is in the checkpoint, too
    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Counting())
    kept = run.read_scene().georeference
    assert kept is not None and kept.crs == "EPSG:32632"
    np.testing.assert_array_equal(kept.geographic_from_world.numbers(), known.geographic_from_world.numbers())


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"normals": True}, {"per_pixel": 0.1}, {"voxel": 0.005}, {"voxel_m": 0.5}])
def test_what_is_in_the_stored_points_cannot_change(scaled: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    shutil.copytree(scaled, tmp_path / "run")
    before = contents(tmp_path / "run")
    tree = {"windows": WINDOWS, "scale": {"factor": 2.0}, "cloud": change}
    with pytest.raises(StoreError, match=r"other settings \(cloud\.\w+ was .*\): give another directory"):
        pipeline.run(pictures(COUNT), tmp_path / "run", Settings.build(tree), Counting(), with_changes=True)
    assert contents(tmp_path / "run") == before
    assert open_run(tmp_path / "run").read_status()["state"] == "finished"


class Lens(Counting):
    """Knows its lens once it was asked, as the classical predictor does."""

    @property
    def camera(self) -> dict[str, Any]:
        return {"k1": -0.1} if self.first_frames else {}


@pytest.mark.slow
def test_what_was_known_at_the_end_is_known_when_outputs_are_drawn_anew(tmp_path: Path) -> None:
    images = [*pictures(COUNT), np.zeros((5, 50, 3), np.uint8)]  # the last one does not fit
    run = pipeline.run(images, tmp_path / "run", SETTINGS, Lens())
    told, journal = open_run(run).read_status(), contents(run)["journal"]
    coarser = SETTINGS.model_copy(update={"cloud": SETTINGS.cloud.model_copy(update={"voxel": 0.05})})
    predictor = Lens()
    pipeline.run(images, run, coarser, predictor, with_changes=True)
    again = open_run(run).read_status()
    assert predictor.first_frames == [] and told["camera"]["k1"] == -0.1 and told["skipped"] == 1
    for key in ("camera", "skipped_frames", "source_indices", "windows_by_status"):
        assert again[key] == told[key]
    assert contents(run)["journal"] == journal


@pytest.mark.slow
def test_a_run_that_is_gone_on_with_says_that_it_runs(cut_short: CutShort, tmp_path: Path) -> None:
    states = []

    class Looking(Counting):
        def predict(self, frames: Sequence[Frame]) -> WindowGeometry:
            states.append(open_run(tmp_path / "run").read_status()["state"])
            return super().predict(frames)

    cut_short(tmp_path / "run", 3)
    assert open_run(tmp_path / "run").read_status()["state"] == "interrupted"
    pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, Looking())
    assert set(states) == {"running"}


@pytest.mark.slow
def test_frames_that_were_skipped_before_do_not_count_after_a_kill(tmp_path: Path) -> None:
    images = pictures(COUNT)
    images[3] = np.zeros((5, 50, 3), np.uint8)
    tree = {"windows": WINDOWS, "scale": NO_ROAD, "frames": {"max_frames": 40}}
    whole = pipeline.run(images, tmp_path / "whole", Settings.build(tree), Counting())
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(images, tmp_path / "run", Settings.build(tree), Counting(2))
    pipeline.run(images, tmp_path / "run", Settings.build(tree), Counting())
    assert contents(tmp_path / "run") == contents(whole)
    assert open_run(whole).read_status()["frames"] == 40
