"""Gaussians at random before a camera, and the plain way to draw them: every Gaussian at every pixel, in float64.

The formulas are those of the papers (Zwicker et al. 2001, Kerbl et al. 2023), written down once more: covariances and
their inverses, where the package has Cholesky factors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from da3_stream.geometry import harmonics, intrinsics_matrix, pixel_centres
from da3_stream.rendering import Rendering
from da3_stream.types import Gaussians

Float64 = NDArray[np.float64]

DC = np.sqrt(1 / (4 * np.pi))  # the harmonic of degree 0
BLUR, NEAR, MARGIN = 0.3, 0.01, 0.3


def random_gaussians(count: int, seed: int = 0, bands: int = 9, size: float = 0.03) -> Gaussians[NDArray[Any]]:
    """Of all shapes and opacities, 1 to 5 before a camera in the origin, some of them beside its picture."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(1, 5, count)
    means = np.stack([rng.uniform(-0.8, 0.8, count) * z, rng.uniform(-0.8, 0.8, count) * z, z], axis=1)
    colours = rng.normal(0, 0.3, (count, 3, bands)) / np.sqrt(np.arange(1, bands + 1))
    colours[..., 0] = (rng.uniform(0, 1, (count, 3)) - 0.5) / DC
    scales = size * z[:, None] * rng.lognormal(-0.5, 0.8, (count, 3))
    arrays = (means, scales, rng.normal(size=(count, 4)), colours, rng.uniform(0.01, 1, count))
    return Gaussians(*(x.astype(np.float32) for x in arrays))


def one_gaussian(
    mean: Any = (0, 0, 2), scale: Any = 0.1, opacity: float = 0.8, colour: Any = (1, 0.5, 0.25)
) -> Gaussians[NDArray[Any]]:
    """Unturned, of one colour from everywhere."""
    harmonics_ = ((np.array(colour) - 0.5) / DC).reshape(1, 3, 1)
    scales = np.broadcast_to(np.asarray(scale, float), (1, 3))
    arrays = (np.array([mean]), scales, np.array([[1, 0, 0, 0]]), harmonics_, np.array([opacity]))
    return Gaussians(*(x.astype(np.float32) for x in arrays))


def joined(*parts: Gaussians[NDArray[Any]]) -> Gaussians[NDArray[Any]]:
    """One after the other."""
    return Gaussians(*(np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])))


def small_camera(width: int = 64, height: int = 48) -> tuple[Float64, Float64, tuple[int, int]]:
    """A pose in the origin, K with its principal point off the centre, and the size."""
    return np.eye(4), intrinsics_matrix(0.9 * width, 0.85 * width, 0.46 * width, 0.55 * height), (width, height)


def psnr(found: NDArray[Any], truth: NDArray[Any]) -> float:
    """Of colours from 0 to 1, in dB."""
    return float(-10 * np.log10(np.mean((found.astype(np.float64) - truth) ** 2) + 1e-30))


def render_plainly(
    gaussians: Gaussians[NDArray[Any]],
    pose: Float64,
    k: Float64,
    size: tuple[int, int],
    background: Any = (0, 0, 0),
    least_alpha: float = 1 / 255,
) -> Rendering:
    """What `render` draws, but for its early ends; `least_alpha` 0: nothing is cut off. Finite Gaussians only."""
    means, rotation = gaussians.means.astype(np.float64), pose[:3, :3]
    seen = means @ rotation.T + pose[:3, 3]
    away = means + rotation.T @ pose[:3, 3]
    pixels, through = pixel_centres(size[1], size[0]), np.ones((size[1], size[0]))
    colour, depth = np.zeros((size[1], size[0], 3)), np.zeros((size[1], size[0]))
    for i in np.argsort(seen[:, 2], kind="stable"):
        if seen[i, 2] < NEAR:
            continue
        dx, dy = (pixels - (k @ seen[i] / seen[i, 2])[:2]).transpose(2, 0, 1)
        (a, b), (_, c) = np.linalg.inv(_covariance(gaussians, i, seen[i], rotation, k, size))
        alpha = float(gaussians.opacities[i]) * np.exp(-(a * dx * dx + 2 * b * dx * dy + c * dy * dy) / 2)
        alpha[alpha < least_alpha] = 0
        weight = through * alpha
        colour += weight[..., None] * _colour(gaussians.harmonics[i], away[i])
        depth += weight * seen[i, 2]
        through *= 1 - alpha
    covered = 1 - through
    mean_depth = np.divide(depth, covered, out=np.zeros_like(depth), where=covered > 1e-6)
    return Rendering(colour + through[..., None] * np.asarray(background), mean_depth, covered)  # type: ignore[arg-type]


def _covariance(gaussians: Any, i: int, seen: Float64, rotation: Float64, k: Float64, size: tuple[int, int]) -> Float64:
    w, x, y, z = gaussians.rotations[i].astype(np.float64) / np.linalg.norm(gaussians.rotations[i].astype(np.float64))
    q = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + 2 * w * q + 2 * q @ q
    world = turn @ np.diag(gaussians.scales[i].astype(np.float64) ** 2) @ turn.T
    focal, centre = np.diag(k)[:2], k[:2, 2]
    margin = MARGIN * np.array(size) / 2
    slope = np.clip(seen[:2] / seen[2], (-margin - centre) / focal, (np.array(size) + margin - centre) / focal)
    jacobian = focal[:, None] * np.column_stack([np.eye(2), -slope]) / seen[2]
    return jacobian @ rotation @ world @ rotation.T @ jacobian.T + BLUR * np.eye(2)


def _colour(coefficients: Any, away: Float64) -> Float64:
    degree = int(np.sqrt(coefficients.shape[-1])) - 1
    basis = harmonics((away / np.linalg.norm(away))[None], degree)[0]
    return np.maximum(0.5 + coefficients.astype(np.float64) @ basis, 0)
