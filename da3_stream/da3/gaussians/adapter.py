"""What the channels of the Gaussian head mean: a Gaussian of every pixel, in the world.

All that is the same for the pixels of a frame is a matrix, made once for the frame in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import harmonics_turn, umeyama
from ...types import Gaussians
from ..config import AdapterConfig
from .rotations import world_from_raw

FOOTPRINT = 0.1  # standard deviation at scale 1, in pixels along both sides
BAND_SHARE, BAND_FADE = 0.1, 0.25  # of harmonics of degree d: their product, the fade d times
LEAST_SCALE, MOST_SCALE = 1 / 3, 3.0  # of the given cameras' unit in the predicted one

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FrameGeometry:
    """What the pixels of one frame have in common; `unit` is the length of the predicted unit in that of the result."""

    world_from_pixel: Tensor  # [3,3]: R K^-1
    centre: Tensor  # [3] of the camera, in units of the result
    unit: float
    footprint: float  # standard deviation at scale 1 and distance 1
    quaternions: Tensor  # [4,4]
    harmonics: Tensor  # [K,K]

    @staticmethod
    def of(
        camera_from_world: Float64, k: Float64, unit: float, config: AdapterConfig, exact: bool, like: Tensor
    ) -> FrameGeometry:
        """Of a pose [3,4] and K [3,3] in pixels, first pixel centre at 0.5; tensors as `like`."""
        rotation, pixel = camera_from_world[:, :3].T, np.linalg.inv(k)
        matrices = (
            rotation @ pixel,
            -unit * rotation @ camera_from_world[:, 3],
            world_from_raw(rotation, exact),
            _colour_matrix(rotation, config),
        )
        ray, centre, quaternions, colour = (torch.from_numpy(m).to(like.device, like.dtype) for m in matrices)
        footprint = FOOTPRINT * float(np.linalg.inv(k[:2, :2]).sum())
        return FrameGeometry(ray, centre, unit, footprint, quaternions, colour)


def pose_scale(given: Float64, predicted: Float64) -> float:
    """The given cameras' unit for one of the predicted cameras, both camera_from_world [N,3 or 4,4] (Umeyama 1991), in
    bounds. 1 for one camera, and for cameras in one place."""
    centres = [-np.einsum("nji,nj->ni", poses[:, :3, :3], poses[:, :3, 3]) for poses in (given, predicted)]
    return float(np.clip(umeyama(*centres).scale, LEAST_SCALE, MOST_SCALE))


def adapt(channels: Tensor, depth: Tensor, row: int, frame: FrameGeometry, config: AdapterConfig) -> Gaussians[Tensor]:
    """Channels [C,h,W] and depth [h,W] of the rows from `row` on -> Gaussians of the same pixels, [h,W,...]."""
    part = {name: channels[where] for name, where in config.channels.items()}
    distance = frame.unit * (depth + part["depth"][0] if config.pred_offset_depth else depth)
    return Gaussians(
        means=_means(part["offset"], distance, row, frame),
        scales=_scales(part["scale"], distance, frame, config),
        rotations=_rotations(part["quaternion"], frame),
        harmonics=_harmonics(part["colour"], frame),
        opacities=part["opacity"][0].sigmoid(),
    )


def _means(offset: Tensor, distance: Tensor, row: int, frame: FrameGeometry) -> Tensor:
    """[h,W,3] at the distances [h,W] along the rays through the pixels' centres, moved by offsets [2 or 0,h,W]."""
    rows, columns = distance.shape
    x = torch.arange(columns, device=distance.device, dtype=distance.dtype) + 0.5
    y = torch.arange(row, row + rows, device=distance.device, dtype=distance.dtype) + 0.5
    pixels = torch.ones(3, rows, columns, device=distance.device, dtype=distance.dtype)
    pixels[0], pixels[1] = x, y[:, None]
    pixels[: len(offset)] += offset
    rays = (frame.world_from_pixel @ pixels.flatten(1)).unflatten(1, (rows, columns))
    rays *= distance / rays.norm(dim=0)
    return rays.movedim(0, -1) + frame.centre


def _scales(logits: Tensor, distance: Tensor, frame: FrameGeometry, config: AdapterConfig) -> Tensor:
    """[h,W,3], the larger the farther away."""
    least, most = config.gaussian_scale_min, config.gaussian_scale_max
    return ((least + (most - least) * logits.sigmoid()) * (distance * frame.footprint)).movedim(0, -1)


def _rotations(raw: Tensor, frame: FrameGeometry) -> Tensor:
    """[h,W,4] of length one, the last number not negative, as the original chooses; (1, 0, 0, 0) where all are zero."""
    q = (frame.quaternions @ raw.flatten(1)).unflatten(1, raw.shape[1:])
    length = q.norm(dim=0)
    q = torch.where(q[3] < 0, -q, q) / length.clamp(min=torch.finfo(q.dtype).tiny)
    q[0] = torch.where(length > 0, q[0], 1.0)
    return q.movedim(0, -1)


def _harmonics(raw: Tensor, frame: FrameGeometry) -> Tensor:
    """[h,W,3,K]"""
    coefficients = raw.unflatten(0, (3, -1)).flatten(2)  # [3,K,h*W]
    return (frame.harmonics @ coefficients).unflatten(2, raw.shape[1:]).permute(2, 3, 0, 1)


def _colour_matrix(world_from_camera: Float64, config: AdapterConfig) -> Float64:
    """[K,K]: higher degrees start small, and directions of sight turn with the camera. Plain colours stay."""
    degree = 0 if config.pred_color else config.sh_degree
    shares = [BAND_SHARE * BAND_FADE**order for order in range(1, degree + 1) for _ in range(2 * order + 1)]
    matrix = np.eye(config.coefficients)
    matrix[1:, 1:] = harmonics_turn(world_from_camera, degree) * shares
    return matrix
