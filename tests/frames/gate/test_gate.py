"""The gate keeps frames that move, leaves out those that add nothing or harm, sees cuts, and resumes anywhere."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from da3_stream.frames.gate.gate import GatedFrames, PassThroughGate, make_gate
from da3_stream.frames.gate.left_out import LeftOutFrame, NextKept, interpolation_fractions
from da3_stream.frames.gate.motion_gate import MAX_DEGRADED_RUN, MotionGate
from da3_stream.frames.gate.optical_flow import tile_motion
from da3_stream.frames.static_mask.scene_motion import CornerTracks
from da3_stream.settings import FramesSettings
from da3_stream.types import Frame, SkippedFrame
from tests.worlds.wall import HEIGHT, WIDTH, frames, indices, kept, reasons, shares, view, wall

WALL, OTHER = wall(0), wall(1)
STEP = 8.0  # pixels a frame, 2.5 % of the width


def drive(count: int, start: float = 0.0, step: float = STEP, seed: int = 100) -> list[np.ndarray]:
    return [view(WALL, start + step * i, noise=2.0, seed=seed + i) for i in range(count)]


def test_a_drive_is_kept_whole() -> None:
    found = kept(drive(30))
    assert indices(found) == list(range(30)) and not reasons(found)
    assert [frame.ordinal for frame in found] == list(range(30)) and not any(frame.begins_shot for frame in found)


@pytest.mark.slow
def test_a_stop_is_left_out_and_lies_at_its_beginning() -> None:
    found = kept([*drive(10), *drive(60, 9 * STEP, 0.0, seed=500), *drive(10, 10 * STEP)])
    assert indices(found) == [*range(10), *range(70, 80)]
    assert set(reasons(found)) == set(range(10, 70)) and set(reasons(found).values()) == {"still"}
    assert max(shares(found).values()) < 0.05
    assert [frame.ordinal for frame in found] == list(range(20))


@pytest.mark.slow
def test_a_slow_camera_is_thinned_to_even_steps_and_shares_follow_the_motion() -> None:
    places = [0.5 * i for i in range(100)]  # 0.16 % of the width a frame
    found = kept([view(WALL, x) for x in places])
    steps = np.diff([places[i] for i in indices(found)])
    assert steps.min() > 0.8 * 0.01 * WIDTH and steps.max() < 1.5 * 0.01 * WIDTH
    way = {i: (places[i] - places[a]) / (places[b] - places[a]) for a, b in _pairs(found) for i in range(a + 1, b)}
    for index, share in way.items():
        assert shares(found)[index] == pytest.approx(share, abs=0.15)


def _pairs(found: list) -> list[tuple[int, int]]:
    return list(zip(indices(found), indices(found)[1:], strict=False))


def test_passers_by_do_not_move_a_standing_camera() -> None:
    pictures = drive(20, step=0.0)
    for i, picture in enumerate(pictures):
        picture[100:160, 12 * i : 12 * i + 80] = OTHER[100:160, 300:380]
    assert indices(kept(pictures)) == [0]


@pytest.mark.parametrize("top", [130, 100], ids=["nearly half", "more than half of the picture"])
def test_a_drive_behind_what_goes_with_the_camera_is_no_stand(top: int) -> None:
    """The strongest corners are all on the car: the scene has a third of its contrast."""
    pictures = [(120 + (picture - 120.0) / 3).astype(np.uint8) for picture in drive(20)]
    for picture in pictures:
        picture[top:] = OTHER[top:, :WIDTH]
    assert indices(kept(pictures)) == list(range(20))


@pytest.mark.slow
def test_a_mask_that_begins_late_hides_in_the_frame_before_it_too() -> None:
    pictures, where = drive(20), np.zeros((HEIGHT, WIDTH), np.bool_)
    where[:, : WIDTH * 5 // 12] = where[:, WIDTH * 7 // 12 :] = True
    for picture in pictures:
        picture[where] = OTHER[:HEIGHT, :WIDTH][where]
    late = [replace(frame, mask=None if frame.index < 5 else ~where) for frame in frames(pictures)]
    found = list(GatedFrames(late, MotionGate(FramesSettings().parallax)))
    assert indices(found)[-15:] == list(range(5, 20))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda image: np.zeros_like(image), "blank"),
        (lambda image: np.full_like(image, 255), "blank"),
        (lambda image: cv2.GaussianBlur(image, (0, 0), 4.0), "blurred"),
        (lambda image: np.clip(image.astype(np.int16) + 190, 0, 255).astype(np.uint8), "overexposed or black"),
        (lambda image: view(OTHER, 700.0), "glitch"),
    ],
)
def test_a_harmful_frame_is_left_out_and_interpolated(spoil, reason: str) -> None:
    pictures = drive(24)
    pictures[12] = spoil(pictures[12])
    found = kept(pictures)
    assert reasons(found) == {12: reason} and not any(frame.begins_shot for frame in found)
    assert shares(found)[12] == pytest.approx(0.5, abs=0.1)


@pytest.mark.slow
def test_blur_that_stays_is_what_the_video_looks_like() -> None:
    found = kept([*drive(20), *(cv2.GaussianBlur(view(WALL, STEP * i), (0, 0), 4.0) for i in range(20, 60))])
    assert len(reasons(found)) <= MAX_DEGRADED_RUN and indices(found)[-25:] == list(range(35, 60))


def test_a_cut_begins_a_shot_and_nothing_is_interpolated_across() -> None:
    stop = drive(5, 11 * STEP, 0.0, seed=900)
    found = kept([*drive(12), *stop, *(view(OTHER, STEP * i) for i in range(12))])
    assert [frame.index for frame in found if frame.begins_shot] == [17]
    assert shares(found) == dict.fromkeys(range(12, 17), 0.0)


def told(roll: list[Frame], cut: int) -> list[Frame]:
    return [replace(frame, begins_shot=frame.index == cut) for frame in roll]


@pytest.mark.parametrize("black", [0, 2])
def test_a_cut_that_the_source_tells_is_one_though_the_views_are_alike(black: int) -> None:
    pictures = [*drive(12), *[np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * black, *drive(12, 12 * STEP)]
    roll = told(frames(pictures), 12)
    found = list(GatedFrames(roll, MotionGate(0.01)))
    assert [frame.index for frame in found if frame.begins_shot] == [12 + black]
    gate = MotionGate(0.01)
    gate.restore(found[10].gate_state or {})
    assert summary(list(GatedFrames(roll, gate))) == summary(found[10:])


def test_a_cut_that_the_source_tells_ends_the_doubt_about_what_came_before() -> None:
    roll = told(frames([*drive(12), view(OTHER, 0.0), *drive(6, 12 * STEP)]), 13)
    found = list(GatedFrames(roll, MotionGate(0.01)))
    assert indices(found) == list(range(19)) and [f.index for f in found if f.begins_shot] == [13]


def test_a_cut_through_black_is_a_cut() -> None:
    black = [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 6
    found = kept([*drive(12), *black, *(view(OTHER, STEP * i) for i in range(12))])
    assert [frame.index for frame in found if frame.begins_shot] == [18]


def test_black_without_a_cut_goes_on() -> None:
    found = kept([*drive(12), *[np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 3, *drive(12, 15 * STEP)])
    assert not any(frame.begins_shot for frame in found) and set(reasons(found)) == {12, 13, 14}


@pytest.mark.slow
def test_leaps_too_far_for_tracking_are_no_cuts() -> None:
    found = kept([view(WALL, 90.0 * i) for i in range(12)])
    assert indices(found) == list(range(12)) and not any(frame.begins_shot for frame in found)


@pytest.mark.slow
def test_unrelated_images_are_left_to_the_predictor() -> None:
    rng = np.random.default_rng(3)
    found = kept([rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(17)])
    assert indices(found) == list(range(17)) and not any(frame.begins_shot for frame in found)


@pytest.mark.parametrize("count", [1, 2, 40])
def test_equal_images_leave_the_first(count: int) -> None:
    found = kept([view(WALL, 10.0)] * count)
    assert indices(found) == [0] and set(reasons(found)) == set(range(1, count))


@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("level", [0, 120])
def test_nothing_but_blank_images_leaves_the_first_and_the_last(count: int, level: int) -> None:
    """The predictor gets them, as it reports that they show nothing."""
    found = kept([np.full((HEIGHT, WIDTH, 3), level, np.uint8)] * count)
    assert indices(found) == sorted({0, count - 1}) and set(reasons(found)) == set(range(1, count - 1))


def test_black_at_the_beginning_goes_with_the_first_image() -> None:
    found = kept([np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 4 + drive(5))
    assert indices(found) == [4, 5, 6, 7, 8] and set(reasons(found)) == {0, 1, 2, 3}
    assert {entry.index for entry in found[0].left_out} == {0, 1, 2, 3}


def test_no_frame_gives_none() -> None:
    assert kept([]) == [] and list(GatedFrames([], PassThroughGate())) == []


def test_small_images_without_corners_are_kept_where_they_differ() -> None:
    ramp = np.tile(np.linspace(0, 60, 48, dtype=np.uint8)[None, :, None], (32, 1, 3))
    assert indices(kept([ramp + np.uint8(20 * i) for i in range(5)])) == list(range(5))


def mixed() -> list[np.ndarray]:
    """Images with a stop, blur, a glitch, a leap and a cut."""
    pictures = [*drive(12), *drive(9, 11 * STEP, 0.0, seed=300), *drive(10, 12 * STEP)]
    pictures[4] = cv2.GaussianBlur(pictures[4], (0, 0), 4.0)
    pictures[25] = view(OTHER, 900.0)
    leaps = [view(WALL, 200.0 + 100.0 * i) for i in range(6)]
    return [*pictures, *leaps, *(view(OTHER, STEP * i) for i in range(10))]


def summary(found: list) -> list[tuple]:
    return [(f.index, f.ordinal, f.begins_shot, f.left_out, json.dumps(f.gate_state)) for f in found]


@pytest.mark.slow
def test_resuming_from_a_kept_frame_gives_the_same() -> None:
    roll = frames(mixed())
    whole = summary(list(GatedFrames(roll, MotionGate(0.01))))
    for number, entry in [*enumerate(whole)][3::11]:
        gate = MotionGate(0.01)
        gate.restore(json.loads(entry[4]))
        again = summary(list(GatedFrames(roll, gate)))
        assert again == whole[number:], number


@pytest.mark.slow
def test_a_gate_that_returned_nothing_starts_over_from_its_state() -> None:
    gate = MotionGate(0.01)
    gate.restore(MotionGate(0.01).state())
    assert summary(list(GatedFrames(frames(mixed()), gate))) == summary(kept(mixed()))


def test_the_pass_through_gate_numbers_frames_and_resumes() -> None:
    found = list(GatedFrames(frames(drive(6)), PassThroughGate()))
    assert indices(found) == [frame.ordinal for frame in found] == list(range(6))
    gate = PassThroughGate()
    gate.restore(found[3].gate_state or {})
    assert [(f.index, f.ordinal) for f in GatedFrames(frames(drive(6)), gate)] == [(3, 3), (4, 4), (5, 5)]


@pytest.mark.slow
def test_a_standing_camera_fills_no_memory() -> None:
    gate = MotionGate(0.01)
    for frame in frames(drive(3)):
        gate.feed(frame)
    picture = view(WALL, 2 * STEP)
    for i in range(3, 200):
        gate.feed(Frame(i, i / 10, picture, str(i)))
    held = [value for value in vars(gate).values() if isinstance(value, list)]
    assert sum(len(entry) for entry in held) == 197 and not gate._pending


def test_the_settings_choose_the_gate() -> None:
    assert isinstance(make_gate("off", FramesSettings()), PassThroughGate)
    assert isinstance(make_gate("auto", FramesSettings()), MotionGate)


def with_skipped(roll: list[Frame], skipped: dict[int, list[int]]) -> list[Frame]:
    """Frames that carry skipped ones: by the index of a frame, the indices that were skipped before it."""
    return [
        replace(frame, skipped_before=tuple(SkippedFrame(k, str(k), "bad") for k in skipped.get(frame.index, [])))
        for frame in roll
    ]


def carried(kept_frames: list[Frame]) -> dict[int, list[int]]:
    return {frame.index: [bad.index for bad in frame.skipped_before] for frame in kept_frames if frame.skipped_before}


@pytest.mark.slow
def test_a_kept_frame_carries_all_frames_skipped_since_the_one_before() -> None:
    roll = [replace(frame, index=2 * frame.index) for frame in frames(mixed())]  # odd indices are of skipped frames
    skipped = {frame.index: [frame.index - 1] for frame in roll if frame.index}
    gated = GatedFrames(with_skipped(roll, skipped), MotionGate(0.01))
    kept_frames = list(gated)
    assert len(kept_frames) < len(roll)
    before = [bad for indices_ in carried(kept_frames).values() for bad in indices_]
    assert [*before, *(bad.index for bad in gated.skipped_after)] == [bad for one in skipped.values() for bad in one]
    assert all(bad[-1] < index for index, bad in carried(kept_frames).items())
    firsts = [0, *(frame.index for frame in kept_frames)]
    assert all(bad[0] > firsts[firsts.index(index) - 1] for index, bad in carried(kept_frames).items() if index)


def test_frames_skipped_in_front_of_and_behind_a_camera_that_stands_are_not_lost() -> None:
    still = frames([view(wall(), 0)] * 8)
    gated = GatedFrames(with_skipped(still, {0: [], 3: [1, 2], 7: [5, 6]}), MotionGate(0.01))
    assert carried(list(gated)) == {} and [bad.index for bad in gated.skipped_after] == [1, 2, 5, 6]


def test_corners_that_are_lost_in_some_tiles_have_gone_and_those_that_noise_hides_everywhere_have_not() -> None:
    corners = np.array([(x, y) for y in range(8, 120, 8) for x in range(8, 160, 8)], np.float32)
    kept_there = corners[(corners[:, 0] < 50) | (corners[:, 1] > 60)]
    hidden = corners[::3]
    there = [
        CornerTracks(found, np.zeros_like(found), np.zeros(len(found), np.float32), (160, 120))
        for found in (corners, kept_there, hidden)
    ]
    whole, gone, noisy = (tile_motion(corners, tracks) for tracks in there)
    assert whole == noisy == 0.0 and gone > 0.01


def test_frames_of_a_recorder_that_hangs_stay_where_the_last_one_was() -> None:
    hung = [LeftOutFrame(k, k / 10, 0.0, "still") for k in (1, 2, 3)]
    blurred = LeftOutFrame(4, 0.4, math.nan, "blurred")
    for motion in (0.3, math.nan):  # of the leap to the next kept frame
        told = interpolation_fractions(0.0, [*hung, blurred], NextKept(0.5, motion))
        assert [entry.share for entry in told] == pytest.approx([0, 0, 0, 0.5])
