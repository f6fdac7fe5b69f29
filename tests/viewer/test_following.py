"""A run that goes on, is corrected, killed, gone on with or begun anew, as somebody sees it who looks all the time."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from da3_stream.cloud.levels import write_levels
from da3_stream.cloud.pages import read_page
from da3_stream.geometry import Sim3
from da3_stream.store import JUST_CREATED, Run, create_run, lock_run
from da3_stream.viewer import RunView, routes, run_view
from tests.worlds.exported_run import whole_run
from tests.worlds.street import street_scene

from .conftest import decode_frames, decode_poses, serving

MOVED = Sim3(1.1, np.eye(3), np.array([0.5, 0.0, -0.25]))


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch):
    """A test does not wait a second for each look."""
    monkeypatch.setattr(run_view, "LOOK_S", 0.0)
    monkeypatch.setattr(run_view, "WAIT_S", 0.05)


@pytest.fixture
def run(tmp_path):
    """All files of a run that shows none of its three submaps yet."""
    run = whole_run(tmp_path / "run")
    for submap in range(3):
        write_levels(run, submap, read_page(run, submap))
    show(run, 0)
    return run


def show(run, count, scene=None, **status):
    """The run after so many submaps."""
    scene = scene or street_scene()
    run.write_scene(replace(scene, submaps=scene.submaps[:count]))
    fields = {"state": "running", "started": "2026-01-01", "first_time_s": 0.0, "input": {"size": (64, 48)}}
    run.write_status({**fields, "windows": count, **status})


def test_a_page_that_waits_for_a_run_sees_it_come(tmp_path, run):
    path = tmp_path / "later"
    with RunView(path) as view:
        waiting = view.state()
        assert (waiting["run"]["state"], waiting["frames"], waiting["submaps"]) == ("waiting", 0, [])
        path.mkdir()
        assert view.state() == waiting
        create_run(path)
        created = view.state()
        assert created["run"]["frames_placed"] == 0
        assert created["revision"] > waiting["revision"]
        assert json.loads(json.dumps(created, allow_nan=False)) == created


def test_submaps_add_rows_and_change_no_row_but_those_at_the_border(run):
    with RunView(run.path) as view:
        show(run, 1)
        first, rows, poses = view.state(), decode_frames(view.frames()), decode_poses(view.poses())
        show(run, 2)
        second = view.state()
        added, moved = decode_frames(view.frames(len(rows["time"]))), decode_poses(view.poses(poses["revision"]))
        everything = decode_frames(view.frames())
    assert second["epoch"] == first["epoch"]
    assert second["submaps"][0]["revision"] == first["submaps"][0]["revision"]
    assert everything["source_index"].tolist() == rows["source_index"].tolist() + added["source_index"].tolist()
    assert set(added["submap"]) == {1}
    assert set(moved["row"]) >= set(range(added["first"], second["frames"]))
    assert len(moved["row"]) < second["frames"]
    assert second["poses_revision"] == moved["revision"] > poses["revision"]


def test_a_correction_sends_one_similarity_for_each_frame_that_moved_and_no_point(run):
    with RunView(run.path) as view:
        show(run, 3)
        before, old = view.state(), decode_poses(view.poses())
        show(run, 3, street_scene((Sim3.identity(), Sim3.identity(), MOVED)), windows=4)
        after, data = view.state(), view.poses(old["revision"])
        new = decode_poses(data)
    assert after["epoch"] == before["epoch"]
    assert [s["revision"] for s in after["submaps"]] == [s["revision"] for s in before["submaps"]]
    assert after["submaps"][2]["centre"] != before["submaps"][2]["centre"]
    assert after["submaps"][0]["centre"] == before["submaps"][0]["centre"]
    assert 0 < len(new["row"]) < after["frames"]
    assert len(data) == 16 + 52 * len(new["row"])
    assert min(new["row"]) > 10
    assert new["scale"][-1] == pytest.approx(1.1 * old["scale"][-1])


def test_what_did_not_change_is_not_told_again(run):
    show(run, 3)
    with RunView(run.path) as view:
        state = view.state()
        assert len(decode_poses(view.poses(state["poses_revision"]))["row"]) == 0
        assert view.wait(state["revision"], None, 0.0) is None
        assert view.wait(state["revision"], "another", 0.0).revision == state["revision"]
        assert view.wait(state["revision"] + 100, None, 0.0).revision == state["revision"]
        show(run, 3, seconds=7.0)
        assert view.wait(state["revision"], state["epoch"], 0.0).revision == state["revision"] + 1
        assert len(decode_poses(view.poses(state["poses_revision"]))["row"]) == 0


def test_a_run_begun_anew_in_the_same_folder_is_another_one(run):
    with RunView(run.path) as view:
        show(run, 3)
        before = view.state()
        create_run(run.path, overwrite=True)
        empty = view.state()
        assert (empty["frames"], empty["submaps"]) == (0, [])
        assert empty["epoch"] != before["epoch"]
        other = whole_run(run.path.with_name("other"))
        for folder in ("windows", "cloud"):
            (run.path / folder).rmdir()
            (other.path / folder).rename(run.path / folder)
        show(run, 3, started="2026-01-02")
        after = view.state()
        assert after["frames"] == before["frames"]
        assert after["epoch"] == empty["epoch"]
        assert {s["revision"] for s in after["submaps"]}.isdisjoint(s["revision"] for s in before["submaps"])


def test_another_run_between_two_looks_is_another_one(run):
    with RunView(run.path) as view:
        show(run, 3)
        before = view.state()
        show(run, 3, started="2026-01-02")
        assert view.state()["epoch"] != before["epoch"]


def test_frames_that_are_taken_back_begin_the_tables_anew(run):
    """As when a killed run goes on before the last thing that was seen."""
    with RunView(run.path) as view:
        show(run, 3)
        before = view.state()
        show(run, 2)
        assert view.state()["epoch"] != before["epoch"]
        assert decode_frames(view.frames())["submap"].max() == 1


@pytest.mark.parametrize("name", ["scene.json", "run.json", "windows/000002.npz", "cloud/000002.levels"])
@pytest.mark.parametrize("damage", ["half", "gone"])
def test_a_file_that_is_half_there_leaves_what_was_seen_before(run, name, damage):
    with RunView(run.path) as view:
        show(run, 2)
        before = view.state()
        show(run, 3)
        path = run.path / name
        whole = path.read_bytes()
        path.unlink()
        if damage == "half":
            path.write_bytes(whole[: len(whole) // 2])
        if (name, damage) in (("run.json", "gone"), ("cloud/000002.levels", "gone")):
            return  # no run, and a run of before there were levels
        during = view.state()
        assert during["run"]["problem"].startswith(("cannot read", str(path)))
        assert (during["frames"], during["epoch"]) == (before["frames"], before["epoch"])
        assert view.state() == during
        path.write_bytes(whole)
        after = view.state()
        assert (after["run"]["problem"], after["epoch"], len(after["submaps"])) == ("", before["epoch"], 3)


def test_a_killed_run_is_told_from_one_that_goes_on(run):
    with RunView(run.path) as view:
        show(run, 2)
        assert view.state()["run"]["state"] == "interrupted"
        with lock_run(run):
            assert view.state()["run"]["state"] == "running"
        assert view.state()["run"]["state"] == "interrupted"
        show(run, 2, state="finished")
        assert view.state()["run"]["state"] == "finished"


def test_loops_are_read_on_and_a_journal_that_was_cut_is_read_again(run):
    show(run, 3)
    with RunView(run.path) as view:
        run.append_event("loop", nodes=(0, 2), frames=(1, 22), similarity=0.9)
        run.append_event("window", window=0)
        assert view.state()["loops"] == [{"a": 1, "b": 22, "accepted": True, "reason": "", "images": False}]
        size = run.journal.size()
        run.append_event("loop refused", frames=(2, 25), reason="depth contradicts it")
        assert [loop["reason"] for loop in view.state()["loops"]] == ["", "depth contradicts it"]
        run.journal.truncate(size)
        run.append_event("loop refused", frames=(3, 26), reason="another")
        run.append_event("loop", frames=(3, 999))  # of a frame that no submap holds
        with open(run.journal.path, "ab") as file:
            file.write(b'{"event": "loop", "frames": [4')
        assert [(loop["a"], loop["reason"]) for loop in view.state()["loops"]] == [(1, ""), (3, "another")]
        run.journal.path.unlink()
        assert view.state()["loops"] == []


def test_a_loop_that_the_graph_rejects_is_no_longer_accepted(run):
    show(run, 3)

    def loops(view):
        return [(loop["accepted"], bool(loop["reason"])) for loop in view.state()["loops"]]

    with RunView(run.path) as view:
        run.append_event("loop", nodes=(0, 2), frames=(1, 22))
        run.append_event("loop", nodes=(1, 2), frames=(12, 22))
        run.append_event("graph", segment=0, rejected=[(0, 2)])
        run.append_event("graph", segment=1, rejected=[])
        assert loops(view) == [(False, True), (True, False)]
        run.append_event("graph", segment=0, rejected=[])
        assert loops(view) == [(True, False)] * 2
        run.append_event("graph", segment=1, rejected=[(1, 2)])
        assert loops(view) == [(True, False), (False, True)]
        run.append_event("segments joined", node=2, segment=0, joined=1)
        assert loops(view) == [(True, False)] * 2


def test_looking_writes_nothing_into_the_run(run):
    show(run, 3)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in run.path.rglob("*") if path.is_file()}
    with serving(run.path) as client:
        for path in ("/", "/state", "/frames", "/poses", "/cameras", "/submaps/1", "/points/1?first=0&last=0"):
            client.bytes(path)
        for path in ("/frame/3", "/depth/3", "/depth/3?raw=1", "/confidence/3"):
            client.bytes(path)
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in run.path.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.slow
def test_several_look_at_once_while_the_run_goes_on(run):
    """Four pages follow every step; each ends with the same rows, and asks nothing twice."""
    seen = []

    def look(client):
        state, rows = client.json("/state"), 0
        while state["run"]["state"] != "finished":
            rows += len(decode_frames(client.bytes(f"/frames?from={rows}&epoch={state['epoch']}"))["time"])
            state = client.json(f"/state?since={state['revision']}&epoch={state['epoch']}")
        rows += len(decode_frames(client.bytes(f"/frames?from={rows}"))["time"])
        seen.append((rows, client.bytes("/poses"), client.bytes("/points/2?first=0&last=0")))

    with serving(run.path) as client:
        threads = [threading.Thread(target=look, args=(client,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for count in (1, 2, 3):
            time.sleep(0.1)
            show(run, count)
        show(run, 3, state="finished")
        for thread in threads:
            thread.join(10)
    assert len(seen) == 4
    assert len(set(seen)) == 1
    assert seen[0][0] == 28


@pytest.mark.slow
def test_where_many_wait_those_beyond_are_answered_soon_and_connections_are_left(run, monkeypatch):
    monkeypatch.setattr(routes, "MOST_WAITING", 2)
    monkeypatch.setattr(routes, "LONG_POLL_S", 4.0)
    monkeypatch.setattr(routes, "CROWDED_S", 0.2)
    show(run, 3)
    ended = []

    def wait(client, since):
        ended.append((client.get(f"/state?since={since}")[0], time.monotonic()))

    with serving(run.path) as client:
        since = client.json("/state")["revision"]
        threads = [threading.Thread(target=wait, args=(client, since)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    times = [moment for _, moment in ended]
    assert [status for status, _ in ended] == [204] * 5
    assert times[3] - times[2] > 1.0


def test_rows_of_a_run_that_was_begun_anew_are_not_mixed_with_those_before(run):
    show(run, 3)
    with serving(run.path) as client:
        epoch = client.json("/state")["epoch"]
        assert client.get(f"/poses?since=0&epoch={epoch}")[0] == 200
        show(run, 3, started="2026-01-02")
        assert client.get(f"/poses?since=0&epoch={epoch}")[0] == 409


def test_a_run_that_just_began_has_no_frames_though_submaps_of_before_lie_there(run):
    with RunView(run.path) as view:
        run.write_scene(street_scene())
        run.write_status(JUST_CREATED)
        assert view.state()["frames"] == 0


def test_a_run_of_another_layout_is_told(run):
    with RunView(run.path) as view:
        show(run, 3, layout=99)
        assert "has layout 99" in view.state()["run"]["problem"]
        assert Run(run.path).path == view.run.path
