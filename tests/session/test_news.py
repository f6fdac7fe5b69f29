"""What is told of a run when it happens: each thing once, in the report's words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from da3_stream import Settings
from da3_stream.session.job import open_job
from da3_stream.session.telling.news import MOST_SEGMENTS, News, NewsWatch
from da3_stream.slam.update import Event
from da3_stream.types import Advice, AdviceCode, SkippedFrame, Status
from tests.worlds.street_predictor import WINDOWS, StandIn, pictures


class Run:
    """A watch over a made-up status, in which all windows are told as they come."""

    def __init__(self, rows: tuple[Advice, ...] = ()) -> None:
        self.status = SimpleNamespace(
            advice=SimpleNamespace(rows=list(rows)), skipped=[], source_indices=list(range(60)),
            timestamps=[k / 10 for k in range(60)],
        )  # fmt: skip
        source = SimpleNamespace(advice=(), first_time=0.0, has_times=True, kind="video")
        self.watch = NewsWatch(SimpleNamespace(source=source, settings=Settings()), self.status)  # type: ignore[arg-type]

    def window(self, *events: Event, failed: tuple[int, int] | None = None, notes: tuple[str, ...] = ()) -> list[News]:
        frames = [] if failed is None else [SimpleNamespace(index=k) for k in range(failed[0], failed[1] + 1)]
        geometry = SimpleNamespace(status=Status.OK if failed is None else Status.FAILED, notes=notes)
        prediction = SimpleNamespace(window=SimpleNamespace(owned_frames=frames), geometry=geometry)
        update: Any = SimpleNamespace(prediction=prediction, events=events)
        return list(self.watch.of_window(update))


def lines(news: list[News]) -> list[str]:
    return [new.line for new in news]


def test_a_code_is_told_once_with_its_times() -> None:
    run = Run()
    run.status.advice.rows.append(Advice(AdviceCode.TURNING, "the camera only turns", 20, 39))
    assert lines(run.window()) == ["0:02–0:04 the camera only turns"]
    run.status.advice.rows.append(Advice(AdviceCode.TURNING, "the camera only turns", 50, 59))
    run.status.advice.rows.append(Advice(AdviceCode.LENS_CHANGED, "it zooms", 50, 59))
    assert lines(run.window()) == ["0:05–0:06 not to be trusted: it zooms"]
    assert run.window() == []


def test_what_an_earlier_process_saw_it_told() -> None:
    assert Run((Advice(AdviceCode.TURNING, "the camera only turns", 20, 39),)).window() == []


def test_a_lost_window_is_told_with_the_reason() -> None:
    run = Run()
    (lost,) = run.window(failed=(20, 39), notes=("few matches", "no two frames could be related"))
    assert lost.event == "advice" and lost.fields["code"] == "unplaced"
    assert lost.line.startswith("0:02–0:04 20 frames in a window that failed (no two frames could be related); images")
    assert run.window(failed=(40, 59)) == []


def test_new_segments_are_told_one_by_one_until_there_are_many() -> None:
    run = Run()
    assert run.window(Event("segment", {"segment": 0, "node": 0, "reason": "it is the first"})) == []
    told = [
        new
        for number in range(1, 40)
        for new in run.window(Event("segment", {"segment": number, "node": number, "reason": "nothing fits"}))
    ]
    assert len(told) == MOST_SEGMENTS and told[0].line == "segment 1 begins, tied to nothing before it: nothing fits"
    assert told[-1].line.endswith("further ones are counted only")
    (joined,) = run.window(Event("segments joined", {"node": 7, "segment": 0, "joined": 1}))
    assert joined.line == "segment 1 is tied to segment 0 now"


def test_the_first_skipped_frames_are_told() -> None:
    run = Run()
    run.status.skipped += [SkippedFrame(3, "3.png", "it is cut short"), SkippedFrame(4, "4.png", "it is empty")]
    (skipped,) = run.window()
    assert skipped.line == "skipped: 3.png: it is cut short (and 1 more); later ones are counted in run.json"
    run.status.skipped.append(SkippedFrame(9, "9.png", "it is empty"))
    assert run.window() == []


@pytest.mark.parametrize(
    ("used", "count"), [((False, False), 0), ((True, True), 0), ((True, False), 1), ((True, False, True, False), 2)]
)
def test_a_scale_that_loses_its_witness_is_told(used: tuple[bool, ...], count: int) -> None:
    run = Run()
    told = [new for on in used for new in run.window(Event("camera height", {"used": on, "reason": "it sways"}))]
    assert lines(told) == ["scale: the camera's height is used no more: it sways"] * count


def test_loops_that_stop_are_told() -> None:
    (news,) = Run().window(Event("loops stopped", {"reason": "the index is full"}))
    assert (news.event, news.line) == ("loops_stopped", "loops are sought no more: the index is full")


def test_a_real_job_is_watched(tmp_path: Path) -> None:
    with open_job(pictures(28), Settings.build({"windows": WINDOWS}), StandIn()) as job:
        status: Any = SimpleNamespace(
            advice=SimpleNamespace(rows=[]), skipped=[], source_indices=[0, 1], timestamps=[0, 1]
        )
        watch = NewsWatch(job, status)
        assert [new.event for new in watch.of_advice()] == ["advice"] * len(job.source.advice)
