"""The geometry of a window from exact cameras: depth in the frames' size, none where it must not be."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.depth import FLOW_SUPPORT_PX
from da3_stream.predictors.sfm.geometry import CameraSolution, window_geometry
from da3_stream.predictors.sfm.mapping.assemble import WindowCameras
from da3_stream.predictors.sfm.processes.workers import Workers
from da3_stream.synthetic.town import TownFrame
from da3_stream.types import Frame, Status, WindowGeometry
from tests.worlds.towns import street_frame

pytestmark = pytest.mark.slow

COUNT = 8
Mask = NDArray[np.bool_]


class InPlace:
    """Workers that do the work at once."""

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(work(*args))
        return future


def window(street: list[TownFrame], grays: list[NDArray[np.uint8]], stride: int = 1, **more: Any) -> WindowGeometry:
    """Frames of the street with its poses, of which one was not measured; `more`: a mask, place_starts, flow_scale."""
    mask = more.get("mask")
    frames = [Frame(i, i / 10, street[i].image, "", mask=mask if i > 3 else None) for i in range(COUNT)]
    poses = np.stack([frame.world_from_camera for frame in street])
    cameras = WindowCameras(poses, np.arange(COUNT) != 2, (), Status.OK, ())
    k = street[0].intrinsics
    solution = CameraSolution(cameras, Lens(k[0, 0], k[1, 1], k[0, 2], k[1, 2]), stride)
    places = more.get("place_starts", ())
    return window_geometry(frames, grays, solution, places, cast(Workers, InPlace()), more.get("flow_scale", 1))


@pytest.fixture(scope="module")
def street() -> list[TownFrame]:
    """Frames of a drive along a street, with their truth."""
    return [street_frame(i, (320, 240)) for i in range(COUNT)]


@pytest.mark.parametrize(("stride", "flow_scale"), [(1, 1), (2, 1), (1, 0)])
def test_depth_is_that_of_the_street(
    street: list[TownFrame], street_grays: list[NDArray[np.uint8]], stride: int, flow_scale: int
) -> None:
    found = window(street, street_grays, stride, flow_scale=flow_scale)
    for row in (0, 1, 3, 4, 5, 6, 7):
        both = (found.depth[row] > 0) & (street[row].depth > 0)
        assert both.mean() > 0.2
        assert np.median(np.abs(found.depth[row][both] / street[row].depth[both] - 1)) < 0.05
    np.testing.assert_array_equal(found.depth > 0, found.confidence > 0)


def test_rows_without_a_measured_pose_or_a_stride_have_no_depth(
    street: list[TownFrame], street_grays: list[NDArray[np.uint8]]
) -> None:
    assert not window(street, street_grays).depth[2].any()
    assert not window(street, street_grays, 0).depth.any()


def test_what_is_masked_and_what_it_drags_has_no_depth(
    street: list[TownFrame], street_grays: list[NDArray[np.uint8]]
) -> None:
    mask = np.ones(street_grays[0].shape, np.bool_)
    mask[180:] = False
    plain, masked = window(street, street_grays), window(street, street_grays, mask=mask)
    far = 180 - FLOW_SUPPORT_PX
    np.testing.assert_array_equal(masked.depth[:4], plain.depth[:4])
    assert not masked.depth[4:, far:].any() and not masked.confidence[4:, far:].any()
    np.testing.assert_array_equal(masked.depth[4:, : far - 1], plain.depth[4:, : far - 1])


def test_no_depth_comes_from_another_place(street: list[TownFrame], street_grays: list[NDArray[np.uint8]]) -> None:
    whole, alone = window(street, street_grays), window(street, street_grays, place_starts=(7,))
    assert whole.depth[7].any() and not alone.depth[7].any()
    assert alone.depth[6].any()
