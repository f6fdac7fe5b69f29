"""Which pairs of frames are proposed as loops."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from da3_stream.loops.descriptor import DinoExtractor
from da3_stream.loops.finder import LoopFinder
from da3_stream.loops.vlad import VladExtractor
from da3_stream.settings import LoopsSettings
from da3_stream.types import LoopCandidate, Status, WindowGeometry
from tests.worlds.places import DEPTH_M, looks, ring, stopped, windows_of
from tests.worlds.towns import make_town

LAP_M = 240.0


def found(windows: list[WindowGeometry], path: Path) -> list[LoopCandidate]:
    finder = LoopFinder(DinoExtractor(), path / "places.bin", LoopsSettings())
    candidates = [candidate for window in windows for candidate in finder.add(window)]
    finder.close()
    return candidates


def along(frame: int, step_m: float) -> float:
    return frame * step_m


@pytest.mark.slow
@pytest.mark.parametrize("step_m", [2.75, 1.1, 0.55, 0.18])
def test_a_second_lap_is_linked_everywhere_at_any_frame_rate(step_m: float, tmp_path: Path) -> None:
    poses = ring(LAP_M, step_m, 2)
    windows = windows_of(poses, looks(poses), size=24 if step_m > 2 else 60, overlap=6)
    links = found(windows, tmp_path)
    places = poses[:, :3, 3]
    assert all(np.linalg.norm(places[link.later] - places[link.earlier]) < DEPTH_M for link in links)
    later = np.sort([along(link.later, step_m) for link in links])
    spacing_m = max(DEPTH_M, 15 * step_m)
    assert np.diff(later).max() < 2.2 * spacing_m
    assert later[0] < LAP_M + 1.1 * spacing_m


@pytest.mark.slow
def test_the_third_lap_is_linked_to_both_before(tmp_path: Path) -> None:
    poses = ring(LAP_M, 0.55, 3)
    links = found(windows_of(poses, looks(poses)), tmp_path)
    third = [link for link in links if along(link.later, 0.55) > 2 * LAP_M]
    for laps in (1, 2):
        linked = [link for link in third if abs(along(link.later - link.earlier, 0.55) - laps * LAP_M) < DEPTH_M / 2]
        assert len(linked) >= 0.8 * LAP_M / (2 * DEPTH_M)


@pytest.mark.slow
def test_a_tenth_lap_is_linked_no_more_often_than_the_fourth(tmp_path: Path) -> None:
    poses = ring(LAP_M / 2, 1.1, 10)
    later = np.array([along(link.later, 1.1) for link in found(windows_of(poses, looks(poses)), tmp_path)])
    counts = np.histogram(later, np.arange(11) * LAP_M / 2)[0]
    assert counts[1] < counts[2] < counts[3] and counts[4:].max() <= 1.3 * counts[3]
    for place in later:
        assert np.sum(np.abs(later - place) < DEPTH_M / 2) <= 3


@pytest.mark.slow
def test_candidates_keep_away_from_each_other_along_both_ways(tmp_path: Path) -> None:
    poses = ring(LAP_M, 0.55, 3)
    links = found(windows_of(poses, looks(poses)), tmp_path)
    for i, a in enumerate(links):
        for b in links[:i]:
            assert max(abs(a.later - b.later), abs(a.earlier - b.earlier)) >= 15


@pytest.mark.slow
def test_a_standing_camera_makes_none(tmp_path: Path) -> None:
    straight = ring(100 * LAP_M, 0.55, 0.02)
    for drive in (straight[:1].repeat(400, axis=0), stopped(straight, 300, 200)):
        assert found(windows_of(drive, looks(drive)), tmp_path) == []
        (tmp_path / "places.bin").unlink()


@pytest.mark.slow
def test_a_stop_hides_no_loop_and_makes_none(tmp_path: Path) -> None:
    poses = stopped(ring(LAP_M, 0.55, 2), 600, 60)
    links = found(windows_of(poses, looks(poses)), tmp_path)
    places = poses[:, :3, 3]
    assert all(np.linalg.norm(places[link.later] - places[link.earlier]) < DEPTH_M for link in links)
    assert all(link.later - link.earlier > 300 for link in links)
    assert len(links) >= 0.8 * LAP_M / (2 * DEPTH_M)


def test_a_place_of_the_window_before_is_found(tmp_path: Path) -> None:
    """A turn on the spot, as in a room: what left the view comes back while the windows still share frames."""
    poses = ring(60.0, 0.55, 1.6)
    size, overlap = 100, 20
    links = found(windows_of(poses, looks(poses), size, overlap), tmp_path)
    neighbours = [link for link in links if link.later // (size - overlap) - link.earlier // (size - overlap) == 1]
    assert neighbours
    places = poses[:, :3, 3]
    assert all(np.linalg.norm(places[link.later] - places[link.earlier]) < DEPTH_M for link in links)


@pytest.mark.slow
def test_a_way_seen_once_makes_none(tmp_path: Path) -> None:
    poses = ring(100 * LAP_M, 0.55, 0.02)
    assert found(windows_of(poses, looks(poses, usual=0.7)), tmp_path) == []


@pytest.mark.slow
def test_one_frame_that_looks_alike_is_not_enough(tmp_path: Path) -> None:
    poses = ring(100 * LAP_M, 0.55, 0.02)
    descriptors = looks(poses)
    descriptors[600] = descriptors[100]
    assert found(windows_of(poses, descriptors), tmp_path) == []


def test_black_frames_are_no_places(tmp_path: Path) -> None:
    poses = ring(LAP_M, 0.55, 2)
    windows = windows_of(poses, looks(poses))
    dark = [replace(window, images=np.zeros_like(window.images)) for window in windows]
    assert found(dark, tmp_path) == []


@pytest.mark.slow
def test_unknown_poses_and_lost_windows_are_passed_over(tmp_path: Path) -> None:
    poses = ring(LAP_M, 0.55, 2)
    windows = windows_of(poses, looks(poses))
    lost = replace(windows[3], window_from_camera=np.full_like(windows[3].window_from_camera, np.nan))
    links = found([*windows[:3], lost, *windows[4:]], tmp_path)
    assert len(links) >= 0.7 * LAP_M / (2 * DEPTH_M)
    assert not {link.earlier for link in links} & set(lost.frame_indices[12:-12].tolist())


@pytest.mark.slow
def test_vlad_links_two_laps_of_rendered_pictures(tmp_path: Path) -> None:
    """Every second frame of the town, its windows held once in between: no pictures are looked at then."""
    town = make_town("block", frames=560, size=(96, 72), laps=2)
    frames = np.arange(0, 560, 2)
    poses = town.path.world_from_camera[frames]
    images = np.stack([town.frame(int(frame)).image for frame in frames])
    windows = [replace(window, images=images[window.frame_indices]) for window in windows_of(poses, size=30, overlap=6)]
    held = replace(windows[3], status=Status.HELD)
    finder = LoopFinder(VladExtractor(tmp_path / "words.npz"), tmp_path / "places.bin", LoopsSettings())
    links = [link for window in (*windows[:3], held, *windows[4:]) for link in finder.add(window)]
    places = poses[:, :3, 3]
    right = [np.linalg.norm(places[link.later] - places[link.earlier]) < 10 for link in links]
    assert len(links) >= 6 and np.mean(right) >= 0.8


@pytest.mark.slow
def test_they_come_within_one_window_of_the_loop(tmp_path: Path) -> None:
    poses = ring(LAP_M, 0.55, 2)
    finder = LoopFinder(DinoExtractor(), tmp_path / "places.bin", LoopsSettings())
    for window in windows_of(poses, looks(poses)):
        for candidate in finder.add(window):
            assert window.frame_indices[0] - 60 < candidate.later <= window.frame_indices[-1]


@pytest.mark.slow
@pytest.mark.parametrize("killed_at", [6, 11, 13])
def test_a_killed_run_goes_on_to_the_same_candidates(killed_at: int, tmp_path: Path) -> None:
    poses = ring(LAP_M, 0.55, 2)
    windows = windows_of(poses, looks(poses))
    (tmp_path / "whole").mkdir()
    expected = found(windows, tmp_path / "whole")
    finder = LoopFinder(DinoExtractor(), tmp_path / "places.bin", LoopsSettings())
    before = [candidate for window in windows[:killed_at] for candidate in finder.add(window)]
    state = json.dumps(finder.state())
    finder.add(windows[killed_at])  # written, and never journaled
    finder.close()
    with (tmp_path / "places.bin").open("ab") as file:
        file.write(b"half a record")
    again = LoopFinder(DinoExtractor(), tmp_path / "places.bin", LoopsSettings())
    again.restore(json.loads(state))
    after = [candidate for window in windows[killed_at:] for candidate in again.add(window)]
    assert expected and before + after == expected
