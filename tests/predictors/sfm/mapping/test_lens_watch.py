"""A window says what is wrong with its lens: another focal length, one that changes, distortion, another size."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping import lens_adjustment
from da3_stream.predictors.sfm.mapping.calibration import Calibration
from da3_stream.predictors.sfm.mapping.lens_advice import lens_advice, size_advice
from da3_stream.predictors.sfm.mapping.lens_watch import LensReading, lens_witnesses, watch_lens
from da3_stream.predictors.sfm.mapping.sparse_model import SparseModel
from da3_stream.types import AdviceCode

Array = NDArray[np.float64]
SIZE = (320, 240)
LENS = Lens(208.0, 208.0, 160.0, 120.0)
COUNT = 24
INDICES = range(100, 100 + 2 * COUNT, 2)
NOISE_PX = 0.3


def drive(turn_rad: float) -> Array:
    """Cameras [n,4,4] on an arc, half a unit a frame."""
    step = np.eye(4)
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    step[:3, :3], step[:3, 3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]], [0, 0, 0.5]
    return np.stack([np.linalg.matrix_power(step, i) for i in range(COUNT)])


def seen_by(
    focals: Array, k1: float = 0.0, k2: float = 0.0, turn_rad: float = 0.02
) -> tuple[SparseModel, list[NDArray[np.float32]]]:
    """The model that is right but for its lens, and what cameras with these focal lengths [n] see."""
    random = np.random.default_rng(3)
    points = random.uniform((-8, -3, 2), (16, 3, 40), (250, 3))
    poses, xy, observations = drive(turn_rad), [], []
    for pose, focal in zip(poses, focals, strict=True):
        inside = (points - pose[:3, 3]) @ pose[:3, :3]
        x = inside[:, :2] / inside[:, 2:]
        square = np.square(x).sum(axis=1, keepdims=True)
        pixels = focal * (1 + k1 * square + k2 * square**2) * x + np.array(SIZE) / 2
        pixels += random.normal(0, NOISE_PX, pixels.shape)
        seen = np.flatnonzero((inside[:, 2] > 1) & ((pixels > 0) & (pixels < SIZE)).all(axis=1) & (square[:, 0] < 1.2))
        xy.append(pixels[seen].astype(np.float32))
        observations.append(np.stack([np.arange(len(seen)), seen], axis=1))
    return SparseModel(np.arange(COUNT), poses, None, points, observations), xy


def reading(focals: Array, **scene: float) -> LensReading:
    return _reading(tuple(focals.tolist()), **scene)


@cache
def _reading(focals: tuple[float, ...], **scene: float) -> LensReading:
    read = watch_lens(*seen_by(np.array(focals), **scene), LENS, SIZE)
    assert read is not None
    return read


def codes(read: LensReading | None, calibration: Calibration | None = None, lens: Lens = LENS) -> list[AdviceCode]:
    advice = lens_advice(read, (), calibration or Calibration.from_known(LENS), lens, INDICES, SIZE)
    return [said.code for said in advice]


def test_of_the_right_lens_nothing_is_said() -> None:
    read = reading(np.full(COUNT, LENS.fx))
    assert codes(read) == []
    assert read.is_observed
    assert abs(read.focal) < 2 * read.focal_sigma
    assert np.nanmax(lens_witnesses(read, (), COUNT)["focal_change"]) < 4


def test_a_right_lens_moves_no_pose_and_a_wrong_one_those_that_it_turns() -> None:
    def shifts(factor: float, **scene: float) -> Array:
        read = reading(np.full(COUNT, factor * LENS.fx), **scene)
        return lens_witnesses(read, (), COUNT)["lens_shift"]

    assert np.nanmax(shifts(1.0)) < 0.15
    assert (
        np.nanmax(shifts(1.25, turn_rad=0.0)) < 0.15
    )  # straight on, a wrong focal length makes depth wrong but no pose
    assert np.nanmax(shifts(1.25)) > 0.9


def test_steps_that_are_turned_down_do_not_pass_for_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    true_cost, asked = lens_adjustment.total_cost, 0

    def cost(*state: object) -> float:
        nonlocal asked
        asked += 1
        return np.inf if 1 < asked <= 5 else true_cost(*state)  # type: ignore[arg-type]

    monkeypatch.setattr(lens_adjustment, "total_cost", cost)
    read = watch_lens(*seen_by(np.full(COUNT, 1.25 * LENS.fx)), LENS, SIZE)
    assert read is not None and abs(read.focal - np.log(1.25)) < 0.05


def test_a_factor_that_no_lens_has_is_not_named() -> None:
    read = reading(np.geomspace(1.0, 1.5, COUNT) * LENS.fx)
    advice = lens_advice(read, (), Calibration.from_known(LENS), LENS, INDICES, SIZE)
    assert "by a factor of 1." in advice[0].text
    course = np.where(np.arange(COUNT) < COUNT // 2, 0.0, 3.2)
    advice = lens_advice(replace(read, course=course), (), Calibration.from_known(LENS), LENS, INDICES, SIZE)
    assert "the focal length changes (zoom" in advice[0].text


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_given_focal_length_that_the_images_contradict_is_said(factor: float) -> None:
    read = reading(np.full(COUNT, factor * LENS.fx))
    assert codes(read) == [AdviceCode.INTRINSICS_WRONG]
    assert np.nanmin(lens_witnesses(read, (), COUNT)["focal_disagreement"]) > 4


def test_a_straight_drive_contradicts_no_focal_length() -> None:
    read = reading(np.full(COUNT, 1.25 * LENS.fx), turn_rad=0.0)
    assert not read.is_observed
    assert codes(read) == []
    assert codes(read, Calibration.from_guess(LENS)) == [AdviceCode.LENS_NOT_OBSERVED]


def test_windows_that_ask_for_another_lens_than_was_learnt_are_said() -> None:
    learnt = replace(Calibration.from_guess(LENS), focal_weight=1.0)
    assert codes(reading(np.full(COUNT, 1.25 * LENS.fx)), learnt) == [AdviceCode.LENS_DOUBTFUL]


@pytest.mark.parametrize("factor", [1.3, 1 / 1.5])
def test_a_zoom_is_said_with_its_frames(factor: float) -> None:
    share = np.clip((np.arange(COUNT) - 8) / 8, 0, 1)
    read = reading(LENS.fx * factor**share)
    (said,) = lens_advice(read, (), Calibration.from_known(LENS), LENS, INDICES, SIZE)
    assert said.code == AdviceCode.LENS_CHANGED
    assert INDICES[4] <= said.first_frame <= INDICES[12]
    assert INDICES[12] <= said.last_frame <= INDICES[20]


def test_a_strong_distortion_is_said() -> None:
    assert codes(reading(np.full(COUNT, LENS.fx), k1=-0.2, k2=0.04)) == [AdviceCode.LENS_DOUBTFUL]


def test_a_strong_distortion_that_was_learnt_is_said() -> None:
    assert codes(None, lens=replace(LENS, k1=-0.2)) == [AdviceCode.LENS_DOUBTFUL]
    assert codes(None, lens=replace(LENS, k1=-0.02)) == []


@pytest.mark.parametrize("factor", [1.15, 1.5])
def test_a_k_of_another_size_moves_poses_as_its_lens_does(factor: float) -> None:
    other = Lens(*(factor * np.array([LENS.fx, LENS.fy, LENS.cx, LENS.cy])).tolist())
    read = watch_lens(*seen_by(np.full(COUNT, LENS.fx)), other, SIZE)
    assert read is not None
    assert read.focal == pytest.approx(-np.log(factor), abs=0.05)
    assert read.certainty > 0.9
    assert np.nanmax(lens_witnesses(read, (), COUNT)["lens_shift"]) > 0.75


def test_a_principal_point_that_is_a_little_off_moves_no_pose() -> None:
    read = watch_lens(*seen_by(np.full(COUNT, LENS.fx)), replace(LENS, cx=163.0, cy=118.0), SIZE)
    assert codes(read) == []
    assert read is not None
    assert np.nanmax(lens_witnesses(read, (), COUNT)["lens_shift"]) < 0.3


def test_too_few_points_tell_nothing() -> None:
    model, xy = seen_by(np.full(COUNT, LENS.fx))
    few = replace(model, observations=[seen[:5] for seen in model.observations])
    assert watch_lens(few, xy, LENS, SIZE) is None
    assert np.isnan(lens_witnesses(None, (), COUNT)["focal_disagreement"]).all()


@pytest.mark.parametrize(("width", "height"), [(480, 360), (160, 120), (240, 320), (640, 480)])
def test_the_k_of_another_size_is_asked_for(width: int, height: int) -> None:
    (said,) = size_advice(Lens(208.0, 208.0, width / 2, height / 2).matrix(), SIZE, (0, 9))
    assert said.code == AdviceCode.INTRINSICS_SIZE
    assert "another resolution?" in said.text
    assert f"{width}x{height}" in said.text


@pytest.mark.parametrize(("cx", "cy"), [(160, 120), (156, 110), (170, 128), (150, 135)])
def test_a_principal_point_near_the_middle_is_believed(cx: float, cy: float) -> None:
    assert size_advice(Lens(208.0, 208.0, cx, cy).matrix(), SIZE, (0, 9)) == ()
