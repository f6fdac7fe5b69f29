"""The predictor as a whole: right on a street, the same every time, and unharmed by what cannot be solved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.geometry import pixel_centres, project, umeyama, unproject
from da3_stream.predictors.sfm import SfmPredictor
from da3_stream.synthetic.town import TownFrame
from da3_stream.types import Frame, Status, WindowGeometry

pytestmark = pytest.mark.slow

Picture = NDArray[np.uint8]
AsFrames = Callable[[Sequence[Picture]], list[Frame]]
MakePredictor = Callable[..., SfmPredictor]

SHORT, LONG = 10, 20  # frames


def predict_afresh(make_predictor: MakePredictor, frames: list[Frame], k: NDArray[np.float64]) -> WindowGeometry:
    predictor = make_predictor(k)
    try:
        return predictor.predict(frames).check(frames)
    finally:
        predictor.close()


@pytest.fixture(scope="module")
def short(make_predictor: MakePredictor, street: list[TownFrame], as_frames: AsFrames) -> WindowGeometry:
    """The street's first ten frames."""
    return predict_afresh(make_predictor, as_frames([f.image for f in street[:SHORT]]), street[0].intrinsics)


@pytest.fixture(scope="module")
def long(make_predictor: MakePredictor, street: list[TownFrame], as_frames: AsFrames) -> WindowGeometry:
    """The street's first twenty."""
    return predict_afresh(make_predictor, as_frames([f.image for f in street[:LONG]]), street[0].intrinsics)


def path_error(found: WindowGeometry, truth: list[TownFrame]) -> tuple[float, float]:
    """ATE (RMSE) as a share of the path, and truth units per window unit."""
    true = np.stack([frame.world_from_camera[:3, 3] for frame in truth])
    sim = umeyama(true, found.window_from_camera[:, :3, 3])
    left = sim.apply(found.window_from_camera[:, :3, 3]) - true
    length = np.linalg.norm(np.diff(true, axis=0), axis=1).sum()
    return float(np.sqrt(np.square(left).sum(axis=1).mean()) / length), float(sim.scale)


def depth_ratio(found: WindowGeometry, truth: list[TownFrame]) -> NDArray[np.float64]:
    """True depth per found depth where there are both."""
    true = np.stack([frame.depth for frame in truth])
    both = (found.depth > 0) & (true > 0)
    return np.asarray(true[both] / found.depth[both], np.float64)


def keeps_contract(found: WindowGeometry, frames: list[Frame]) -> None:
    """What holds of any window, solved or not."""
    found.check(frames)
    assert found.depth.dtype == found.confidence.dtype == np.float32
    assert np.isfinite(found.depth).all()
    assert np.isfinite(found.confidence).all()
    assert (found.depth >= 0).all()
    assert (found.confidence >= 0).all()
    rotations = found.window_from_camera[:, :3, :3]
    np.testing.assert_allclose(
        rotations @ rotations.transpose(0, 2, 1), np.tile(np.eye(3), (len(frames), 1, 1)), atol=1e-6
    )
    assert all(0 < row < len(frames) for row in found.breaks)
    assert found.images.dtype == np.uint8
    assert not found.is_metric


@pytest.mark.slow
def test_a_frames_own_points_reproject_onto_their_pixels(short: WindowGeometry) -> None:
    pixels = pixel_centres(*short.depth.shape[1:])
    for depth, k, pose in zip(short.depth, short.intrinsics, short.window_from_camera, strict=True):
        kept = depth > 0
        assert kept.mean() > 0.3
        points = unproject(pixels[kept], depth[kept], k) @ pose[:3, :3].T + pose[:3, 3]
        again = project((points - pose[:3, 3]) @ pose[:3, :3], k)
        assert np.abs(again - pixels[kept]).max() < 0.01


def test_points_of_one_frame_land_in_the_next_where_its_depth_has_them(short: WindowGeometry) -> None:
    pixels, (height, width) = pixel_centres(*short.depth.shape[1:]), short.depth.shape[1:]
    kept = short.depth[4] > 0
    a, b = short.window_from_camera[4], short.window_from_camera[5]
    points = unproject(pixels[kept], short.depth[4][kept], short.intrinsics[4]) @ a[:3, :3].T + a[:3, 3]
    inside = (points - b[:3, 3]) @ b[:3, :3]
    inside = inside[inside[:, 2] > 0]
    x, y = np.floor(project(inside, short.intrinsics[5])).astype(int).T
    seen = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    there = short.depth[5][y[seen], x[seen]]
    both = there > 0
    assert both.mean() > 0.5
    assert np.median(np.abs(there[both] / inside[seen][both, 2] - 1)) < 0.05


def test_a_short_street_is_solved_with_the_k_that_was_given(short: WindowGeometry, street: list[TownFrame]) -> None:
    assert short.breaks == ()
    assert path_error(short, street[:SHORT])[0] < 0.02
    np.testing.assert_allclose(short.intrinsics, np.tile(street[0].intrinsics, (SHORT, 1, 1)))
    ratio = depth_ratio(short, street[:SHORT])
    assert np.median(np.abs(ratio / np.median(ratio) - 1)) < 0.05


@pytest.mark.slow
def test_the_street_is_found_within_a_hundredth_of_the_way(long: WindowGeometry, street: list[TownFrame]) -> None:
    assert (long.status, long.breaks) == (Status.OK, ())
    error, scale = path_error(long, street[:LONG])
    assert error < 0.01
    ratio = depth_ratio(long, street[:LONG])
    assert np.median(np.abs(ratio / np.median(ratio) - 1)) < 0.05
    assert np.median(ratio) == pytest.approx(scale, rel=0.05)  # cameras and depths are in one unit
    true = np.stack([frame.depth for frame in street[:LONG]])
    assert (long.depth[true > 0] > 0).mean() > 0.4


@pytest.mark.slow
def test_an_unknown_focal_length_is_found(
    make_predictor: MakePredictor, street: list[TownFrame], as_frames: AsFrames
) -> None:
    frames = as_frames([f.image for f in street[:LONG]])
    predictor = make_predictor()
    found = predictor.predict(frames).check(frames)
    camera = predictor.camera
    predictor.close()
    true = street[0].intrinsics[0, 0]
    assert found.intrinsics[0, 0, 0] == pytest.approx(true, rel=0.1)
    assert camera["focal_px"][0] == pytest.approx(true, rel=0.1)
    assert camera["focal_known"]
    assert not camera["given"]
    assert path_error(found, street[:LONG])[0] < 0.02


@pytest.mark.slow
def test_two_fresh_predictors_give_the_same_bits_whatever_the_numbers_of_frames(
    predictor: SfmPredictor, short: WindowGeometry, street: list[TownFrame], as_frames: AsFrames
) -> None:
    """Numbers are only names, which are kept."""
    frames = [
        replace(f, index=7 + 3 * f.index + 40 * (f.index > 4)) for f in as_frames([f.image for f in street[:SHORT]])
    ]
    again = predictor.predict(frames)
    keeps_contract(again, frames)
    for name in ("window_from_camera", "intrinsics", "depth", "confidence", "images"):
        np.testing.assert_array_equal(getattr(again, name), getattr(short, name), err_msg=name)
    assert (again.status, again.breaks, again.notes) == (short.status, short.breaks, short.notes)


def test_a_camera_that_stands_is_held(predictor: SfmPredictor, street: list[TownFrame], as_frames: AsFrames) -> None:
    rng = np.random.default_rng(0)
    noisy = [np.clip(street[0].image + rng.normal(0, 2, street[0].image.shape), 0, 255) for _ in range(8)]
    frames = as_frames([np.round(picture).astype(np.uint8) for picture in noisy])
    found = predictor.predict(frames)
    keeps_contract(found, frames)
    assert found.status == Status.HELD
    assert found.notes
    assert not found.confidence.any()
    np.testing.assert_array_equal(found.window_from_camera, np.tile(np.eye(4), (8, 1, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("value", [0, 255])
def test_blank_frames_are_no_geometry_and_no_error(predictor: SfmPredictor, as_frames: AsFrames, value: int) -> None:
    frames = as_frames([np.full((180, 240, 3), value, np.uint8) for _ in range(6)])
    found = predictor.predict(frames)
    keeps_contract(found, frames)
    assert found.status in (Status.FAILED, Status.HELD)
    assert found.notes
    assert not found.confidence.any()


@pytest.mark.slow
def test_noise_is_no_geometry_and_no_error(predictor: SfmPredictor, as_frames: AsFrames) -> None:
    rng = np.random.default_rng(0)
    frames = as_frames([rng.integers(0, 256, (180, 240, 3), dtype=np.uint8) for _ in range(5)])
    found = predictor.predict(frames)
    keeps_contract(found, frames)
    assert found.status != Status.OK


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("known", [True, False])
def test_very_short_windows_keep_the_contract(
    make_predictor: MakePredictor, street: list[TownFrame], as_frames: AsFrames, count: int, known: bool
) -> None:
    frames = as_frames([f.image for f in street[:count]])
    predictor = make_predictor(street[0].intrinsics if known else None)
    found = predictor.predict(frames)
    predictor.close()
    keeps_contract(found, frames)
    if count == 1:
        assert not found.confidence.any()


@pytest.mark.slow
def test_a_street_that_goes_dark_keeps_what_was_seen(
    predictor: SfmPredictor, street: list[TownFrame], as_frames: AsFrames
) -> None:
    dark = np.zeros_like(street[0].image)
    frames = as_frames([f.image for f in street[:SHORT]] + [dark] * 4)
    found = predictor.predict(frames)
    keeps_contract(found, frames)
    assert found.status == Status.WEAK
    assert any("4 frames" in note for note in found.notes)
    assert not found.confidence[SHORT:].any()
    assert path_error(found.rows(np.arange(SHORT)), street[:SHORT])[0] < 0.02
