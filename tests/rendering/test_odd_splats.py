"""Gaussians that a renderer stumbles over: near, huge, thin, none at all; and what is refused."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from da3_stream.errors import RenderingError
from da3_stream.geometry import intrinsics_matrix
from da3_stream.rendering import render
from da3_stream.rendering.view import View
from da3_stream.rendering.with_gsplat import rasterise
from da3_stream.types import Gaussians
from tests.worlds.splats import joined, one_gaussian, psnr, random_gaussians, render_plainly, small_camera

CAMERA = small_camera()
GREY = (0.5, 0.25, 0.125)


def _changed(gaussians: Gaussians[Any], **fields: Any) -> Gaussians[Any]:
    return Gaussians(**(vars(gaussians) | {name: np.array(x, np.float32) for name, x in fields.items()}))


ONE = one_gaussian((0.1, 0.1, 2), 0.2, 0.7)
NONE_AT_ALL = {
    "behind the camera": one_gaussian((0, 0, -2), 0.5),
    "nearer than the near plane": one_gaussian((0, 0, 0.00999), 0.001),
    "in the camera": one_gaussian((0, 0, 0), 0.1),
    "beside the picture": one_gaussian((9, 0, 2), 0.1),
    "without opacity": _changed(ONE, opacities=[0]),
    "of negative opacity": _changed(ONE, opacities=[-1]),
    "below the least step of a picture": _changed(ONE, opacities=[0.0008]),
    "of opacity NaN": _changed(ONE, opacities=[np.nan]),
    "with a mean of NaN": _changed(ONE, means=[[0, np.nan, 2]]),
    "at an infinite depth": _changed(ONE, means=[[0, 0, np.inf]]),
    "with a size of NaN": _changed(ONE, scales=[[0.1, 0.1, np.nan]]),
    "with an infinite size": _changed(ONE, scales=[[0.1, np.inf, 0.1]]),
    "with a negative size": _changed(ONE, scales=[[0.1, -0.1, 0.1]]),
    "without direction": _changed(ONE, rotations=[[0, 0, 0, 0]]),
    "with a direction of NaN": _changed(ONE, rotations=[[1, np.nan, 0, 0]]),
    "with a colour of NaN": _changed(ONE, harmonics=[[[np.nan], [0], [0]]]),
}


@pytest.mark.parametrize("name", NONE_AT_ALL)
def test_what_is_not_there_leaves_the_picture_as_it_is(name: str) -> None:
    there = random_gaussians(50, seed=2, bands=1)
    found = render(joined(there, NONE_AT_ALL[name]), *CAMERA, background=GREY)
    without = render(there, *CAMERA, background=GREY)
    for field, values in vars(found).items():
        np.testing.assert_array_equal(values, getattr(without, field))


@pytest.mark.parametrize("count", [0, 1])
def test_where_nothing_is_seen_there_is_the_background(count: int) -> None:
    found = render(
        Gaussians(**{name: x[:count] for name, x in vars(NONE_AT_ALL["behind the camera"]).items()}),
        *CAMERA,
        background=GREY,
    )
    assert found.colour.dtype == found.depth.dtype == found.alpha.dtype == np.float32
    np.testing.assert_array_equal(found.colour, np.broadcast_to(np.float32(GREY), (48, 64, 3)))
    assert not found.depth.any() and not found.alpha.any()


def test_at_the_near_plane_a_gaussian_is_drawn() -> None:
    found = render(one_gaussian((0, 0, 0.0101), 1e-4, 0.9), *CAMERA)
    assert found.alpha.max() > 0.5
    np.testing.assert_allclose(found.depth[found.alpha > 0], 0.0101, rtol=1e-3)


@pytest.mark.parametrize("size", [1e3, 1e12, 1e30])
def test_a_huge_one_is_a_veil(size: float) -> None:
    found = render(one_gaussian((0.5, -0.5, 3), size, 0.25, (1, 1, 1)), *CAMERA)
    np.testing.assert_allclose(found.alpha, 0.25, atol=1e-4)
    np.testing.assert_allclose(found.colour, 0.25, atol=1e-4)


def test_an_opaque_wall_hides_all_that_is_behind() -> None:
    wall = one_gaussian((0, 0, 2), (1e6, 1e6, 1e-6), 1.0, (0, 1, 0))
    found = render(joined(one_gaussian((0, 0, 3), 1), wall), *CAMERA, background=GREY)
    np.testing.assert_allclose(found.colour, np.broadcast_to([0, 1, 0], found.colour.shape), atol=1e-6)
    np.testing.assert_allclose(found.depth, 2, rtol=1e-6)


def test_needles_are_as_thin_as_they_are() -> None:
    """A thousand times as long as wide, in every direction: float32 would lose their width."""
    many = random_gaussians(60, seed=4)
    needles = _changed(many, scales=np.tile([2.0, 1e-3, 1e-3], (60, 1)), opacities=np.full(60, 0.5))
    found, truth = render(needles, *CAMERA), render_plainly(needles, *CAMERA, least_alpha=1 / 1024)
    assert psnr(found.colour, truth.colour) > 80


def test_a_flat_one_from_its_side_is_a_line() -> None:
    disc = one_gaussian((0, 0, 2), (0.3, 0, 0.3), 0.9)
    found = render(disc, np.eye(4), intrinsics_matrix(50, 50, 20.5, 20.5), (41, 41))
    assert found.alpha[20, 26] > 0.5 and found.alpha[24].max() < 1e-6


def test_a_picture_of_one_pixel() -> None:
    found = render(ONE, np.eye(4), intrinsics_matrix(1, 1, 0.5, 0.5), (1, 1))
    assert found.colour.shape == (1, 1, 3) and 0.1 < found.alpha[0, 0] < 0.7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"camera_from_world": np.eye(4) * 2}, "with a rotation"),
        ({"camera_from_world": np.full((4, 4), np.nan)}, "with a rotation"),
        ({"intrinsics": np.zeros((3, 3))}, "positive focal lengths"),
        ({"size": (0, 4)}, "not 0x4"),
        ({"background": (1, 2)}, "red, green and blue"),
        ({"device": "abacus"}, "cpu or cuda"),
        ({"device": "meta"}, "not on meta"),
        ({"rasteriser": "pencil"}, "torch or gsplat"),
        ({"rasteriser": "gsplat"}, "CUDA only"),
        ({"gaussians": _changed(ONE, means=np.zeros((2, 3)))}, "means"),
        ({"gaussians": _changed(ONE, harmonics=np.zeros((1, 3, 5)))}, "harmonics"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(change: dict[str, Any], words: str) -> None:
    asked = {"gaussians": ONE, "camera_from_world": np.eye(4), "intrinsics": CAMERA[1], "size": (8, 8), "device": "cpu"}
    with pytest.raises(RenderingError, match=words):
        render(**(asked | change))


def test_gsplat_is_asked_in_its_own_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in that draws plainly what it is given: here there is no GPU to run gsplat on."""
    monkeypatch.setitem(sys.modules, "gsplat", package := ModuleType("gsplat"))
    package.rasterization = _plain_rasterization  # type: ignore[attr-defined]
    broken = [NONE_AT_ALL[name] for name in ("with a size of NaN", "with a negative size", "without direction")]
    gaussians = joined(random_gaussians(40, seed=8, bands=1), *broken)
    view, cpu = View.of(*CAMERA), torch.device("cpu")
    found = rasterise(gaussians, view, torch.tensor(GREY), cpu)
    expected = render(gaussians, *CAMERA, background=GREY)
    np.testing.assert_allclose(found.colour, expected.colour, atol=2e-3)
    np.testing.assert_allclose(found.depth, expected.depth, atol=2e-2)


def _plain_rasterization(**asked: Any) -> tuple[torch.Tensor, torch.Tensor, dict[str, Any]]:
    drawn = render_plainly(
        Gaussians(
            means=asked["means"].numpy(),
            scales=asked["scales"].numpy(),
            rotations=asked["quats"].numpy(),
            harmonics=asked["colors"].movedim(2, 1).numpy(),
            opacities=asked["opacities"].numpy(),
        ),
        asked["viewmats"][0].double().numpy(),
        asked["Ks"][0].double().numpy(),
        (asked["width"], asked["height"]),
        asked["backgrounds"][0].numpy(),
        least_alpha=1 / 1024,
    )
    assert (asked["near_plane"], asked["eps2d"], asked["sh_degree"]) == (0.01, 0.3, 0)
    assert asked["render_mode"] == "RGB+ED"
    both = np.concatenate([drawn.colour, drawn.depth[..., None]], axis=-1)
    return torch.from_numpy(both).float()[None], torch.from_numpy(drawn.alpha).float()[None, ..., None], {}
