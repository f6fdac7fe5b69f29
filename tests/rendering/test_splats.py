"""Splats are drawn as the formulas say: beside the plain way in float64, and by closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.geometry import intrinsics_matrix, pixel_centres
from da3_stream.rendering import pieces, render
from da3_stream.types import Gaussians
from tests.worlds.splats import joined, one_gaussian, psnr, random_gaussians, render_plainly, small_camera

BLUE = (0.1, 0.2, 0.7)


@pytest.mark.slow
def test_two_thousand_are_drawn_as_by_every_gaussian_at_every_pixel() -> None:
    gaussians, camera = random_gaussians(2000), small_camera(40, 30)
    found = render(gaussians, *camera, background=BLUE)
    uncut = render_plainly(gaussians, *camera, background=BLUE, least_alpha=0)
    assert psnr(found.colour, uncut.colour) > 60
    cut = render_plainly(gaussians, *camera, background=BLUE, least_alpha=1 / 1024)
    assert psnr(found.colour, cut.colour) > 90
    assert psnr(found.alpha, cut.alpha) > 90
    np.testing.assert_allclose(found.depth, cut.depth, atol=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("meetings", "at_once", "step"), [(1, 100, 16), (500, 7, 16), (1 << 19, 1 << 17, 3)])
def test_how_much_is_drawn_together_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, meetings: int, at_once: int, step: int
) -> None:
    gaussians, camera = random_gaussians(300, seed=1), small_camera(45, 37)
    whole = render(gaussians, *camera)
    monkeypatch.setattr(pieces, "MOST_MEETINGS", meetings)
    monkeypatch.setattr(pieces, "AT_ONCE", at_once)
    monkeypatch.setattr("da3_stream.rendering.compositing.STEP", step)
    monkeypatch.setattr("da3_stream.rendering.footprints.AT_ONCE", at_once)
    parts = render(gaussians, *camera)
    np.testing.assert_allclose(parts.colour, whole.colour, atol=2e-4)  # a tile that is full may be left sooner
    np.testing.assert_allclose(parts.alpha, whole.alpha, atol=2e-4)


def test_one_gaussian_is_a_bell_around_its_projection() -> None:
    k = intrinsics_matrix(40, 50, 20.25, 11.5)  # far from the centre of the picture
    found = render(one_gaussian((0.2, -0.1, 2), 0.1, 0.8, (1, 0.5, 0.25)), np.eye(4), k, (64, 32))
    dx, dy = (pixel_centres(32, 64) - [20.25 + 4, 11.5 - 2.5]).transpose(2, 0, 1)
    x, y = 0.1, -0.05  # slopes of sight; the picture's covariance by the tangent of the projection
    a, b, c = 4 * (1 + x * x) + 0.3, 5 * x * y, 6.25 * (1 + y * y) + 0.3
    alpha = 0.8 * np.exp(-(c * dx * dx - 2 * b * dx * dy + a * dy * dy) / (a * c - b * b) / 2)
    alpha[alpha < 1 / 1024] = 0
    np.testing.assert_allclose(found.alpha, alpha, atol=1e-6)
    np.testing.assert_allclose(found.colour, alpha[..., None] * [1, 0.5, 0.25], atol=1e-6)
    np.testing.assert_allclose(found.depth, np.where(alpha > 0, 2, 0), rtol=1e-4)


@pytest.mark.parametrize("near_first", [True, False])
def test_of_two_the_nearer_one_covers_the_other(near_first: bool) -> None:
    near, far = one_gaussian((0, 0, 2), 0.3, 0.6, (1, 0, 0)), one_gaussian((0, 0, 3), 0.6, 0.9, (0, 1, 0))
    both = joined(near, far) if near_first else joined(far, near)
    camera = small_camera()
    front, back = (render(one, *camera).alpha for one in (near, far))
    found = render(both, *camera, background=(0, 0, 1))
    behind = (1 - front) * back
    expected = np.stack([front, behind, (1 - front) * (1 - back)], axis=-1)
    np.testing.assert_allclose(found.colour, expected, atol=1e-6)
    seen = found.alpha > 0.01
    depth = (2 * front + 3 * behind)[seen] / (front + behind)[seen]
    np.testing.assert_allclose(found.depth[seen], depth, rtol=1e-5)


def test_colours_of_degree_two_from_six_sides() -> None:
    """By the constants of the splat viewers, along the axes, where all but three of the terms are zero."""
    rng = np.random.default_rng(3)
    c = rng.uniform(-0.15, 0.15, (3, 9)).astype(np.float32)
    fields = vars(one_gaussian((0, 0, 0), 0.2, 1.0)) | {"harmonics": c[None]}
    c0, c1, c20, c22 = 0.28209479177387814, 0.4886025119029199, 0.31539156525252005, 0.5462742152960396
    sides = {  # the direction of sight, and the colour less 0.5
        (1, 0, 0): -c1 * c[:, 3] - c20 * c[:, 6] + c22 * c[:, 8],
        (-1, 0, 0): c1 * c[:, 3] - c20 * c[:, 6] + c22 * c[:, 8],
        (0, 1, 0): -c1 * c[:, 1] - c20 * c[:, 6] - c22 * c[:, 8],
        (0, -1, 0): c1 * c[:, 1] - c20 * c[:, 6] - c22 * c[:, 8],
        (0, 0, 1): c1 * c[:, 2] + 2 * c20 * c[:, 6],
        (0, 0, -1): -c1 * c[:, 2] + 2 * c20 * c[:, 6],
    }
    k = intrinsics_matrix(60, 60, 8.5, 8.5)
    for ahead, expected in sides.items():
        found = render(Gaussians(**fields), _looking(np.array(ahead, float)), k, (17, 17))
        np.testing.assert_allclose(found.colour[8, 8], 0.5 + c0 * c[:, 0] + expected, atol=1e-5)


def test_a_turned_gaussian_is_long_where_it_was_turned_to() -> None:
    half = np.sqrt(0.5)
    fields = vars(one_gaussian((0, 0, 2), (0.3, 0.01, 0.01), 0.9))
    turned = fields | {"rotations": np.array([[half, 0, 0, half]], np.float32) * 7}  # a quarter about z, of any length
    k = intrinsics_matrix(50, 50, 20.5, 20.5)
    flat, upright = (render(Gaussians(**f), np.eye(4), k, (41, 41)).alpha for f in (fields, turned))
    assert flat[20, 30] > 0.3 and flat[30, 20] < 1e-6
    np.testing.assert_allclose(upright, flat.T, atol=1e-6)


def test_tensors_in_half_precision_are_drawn_as_arrays() -> None:
    import torch

    gaussians, camera = random_gaussians(200, seed=5), small_camera()
    tensors = {name: torch.from_numpy(x) for name, x in vars(gaussians).items()}
    tensors["harmonics"] = tensors["harmonics"].half()
    found = render(Gaussians(**tensors), *camera)
    np.testing.assert_allclose(found.colour, render(gaussians, *camera).colour, atol=2e-3)


def test_kilometres_from_the_origin_nothing_shakes() -> None:
    camera_from_world, k, size = small_camera()
    gaussians = random_gaussians(500, seed=6)
    far = np.array([4096.0, -2048.0, 512.0])  # powers of two: only the last bits of the means are lost
    moved = Gaussians(**(vars(gaussians) | {"means": (gaussians.means + far).astype(np.float32)}))
    pose = camera_from_world.copy()
    pose[:3, 3] = -far
    assert psnr(render(moved, pose, k, size).colour, render(gaussians, camera_from_world, k, size).colour) > 55


def _looking(ahead: np.ndarray) -> np.ndarray:
    """camera_from_world [4,4] of a camera 2 before the origin that looks along `ahead`."""
    right = np.array([0, 0, 1.0]) if ahead[2] == 0 else np.array([1.0, 0, 0])
    rotation = np.stack([right, np.cross(ahead, right), ahead])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, rotation @ ahead * 2
    return pose
