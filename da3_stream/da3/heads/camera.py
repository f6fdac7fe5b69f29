"""Poses in and out of the network: nine numbers for each frame, and the parts that read and write them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..backbone.blocks import HEAD_EPS, Block, Mlp

ENCODER_HEADS = 16
ENCODER_LAYERS = 4
SMALLEST_TANGENT = 1e-6
NEGLIGIBLE = 1e-6  # of the largest distance


class CameraDecoder(nn.Module):
    """The camera token of a frame -> translation, quaternion (x, y, z, w) of world_from_camera, fields of view."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.fc_t, self.fc_qvec = nn.Linear(width, 3), nn.Linear(width, 4)
        self.fc_fov = nn.Sequential(nn.Linear(width, 2), nn.ReLU())

    def forward(self, tokens: Tensor) -> Tensor:
        """[...,width] -> [...,9], the field of view's height before its width."""
        hidden = self.backbone(tokens)
        return torch.cat([self.fc_t(hidden), self.fc_qvec(hidden), self.fc_fov(hidden)], dim=-1)


class CameraEncoder(nn.Module):
    """Known cameras -> the camera tokens that replace the learned ones."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pose_branch = Mlp(9, width // 2, width)
        self.token_norm, self.trunk_norm = (nn.LayerNorm(width, eps=HEAD_EPS) for _ in range(2))
        self.trunk = nn.ModuleList(Block(width, ENCODER_HEADS, eps=HEAD_EPS) for _ in range(ENCODER_LAYERS))

    @property
    def device(self) -> torch.device:
        """The device of its weights."""
        return self.token_norm.weight.device

    def forward(self, camera_from_world: Tensor, intrinsics: Tensor, size: tuple[int, int]) -> Tensor:
        """Poses [B,N,3 or 4,4] and K [B,N,3,3] in pixels of images of (height, width) -> [B,N,width]."""
        encoding = encode_cameras(camera_from_world, intrinsics, size)
        x = self.token_norm(self.pose_branch(encoding.to(self.token_norm.weight.dtype)))
        for block in self.trunk:
            assert isinstance(block, Block)
            block.within(x)
        return self.trunk_norm(x)


def decode_cameras(encoding: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """[...,9] -> camera_from_world [...,3,4] and K [...,3,3] in pixels of images of (height, width)."""
    height, width = size
    rotation = matrix_from_quaternion(encoding[..., 3:7])
    tangent = torch.tan(encoding[..., 7:9] / 2).clamp(min=SMALLEST_TANGENT)
    k = encoding.new_zeros((*encoding.shape[:-1], 3, 3))
    k[..., 0, 0], k[..., 1, 1] = width / 2 / tangent[..., 1], height / 2 / tangent[..., 0]
    k[..., 0, 2], k[..., 1, 2], k[..., 2, 2] = width / 2, height / 2, 1.0
    return inverse_of_rigid(rotation, encoding[..., :3]), k


def encode_cameras(camera_from_world: Tensor, k: Tensor, size: tuple[int, int]) -> Tensor:
    """The inverse of `decode_cameras` -> [...,9]; the principal point is left out."""
    height, width = size
    world_from_camera = inverse_of_rigid(camera_from_world[..., :3, :3], camera_from_world[..., :3, 3])
    quaternion = quaternion_from_matrix(world_from_camera[..., :3])
    fov = torch.stack([2 * torch.atan(height / 2 / k[..., 1, 1]), 2 * torch.atan(width / 2 / k[..., 0, 0])], dim=-1)
    return torch.cat([world_from_camera[..., 3], quaternion, fov], dim=-1)


def inverse_of_rigid(rotation: Tensor, translation: Tensor) -> Tensor:
    """[...,3,4] of the transform that undoes x -> R x + t."""
    back = rotation.transpose(-1, -2)
    return torch.cat([back, -back @ translation[..., None]], dim=-1)


def matrix_from_quaternion(quaternion: Tensor) -> Tensor:
    """Rotation [...,3,3] of (x, y, z, w) of any length."""
    x, y, z, w = quaternion.unbind(dim=-1)
    s = 2.0 / quaternion.square().sum(dim=-1)
    rows = (
        (1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)),
        (s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)),
        (s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def quaternion_from_matrix(rotation: Tensor) -> Tensor:
    """(x, y, z, w) with w >= 0 of rotations [...,3,3], in that of four formulas whose divisor is largest."""
    m = [[rotation[..., i, j] for j in range(3)] for i in range(3)]
    sizes = torch.stack(
        [
            1.0 + m[0][0] + m[1][1] + m[2][2],
            1.0 + m[0][0] - m[1][1] - m[2][2],
            1.0 - m[0][0] + m[1][1] - m[2][2],
            1.0 - m[0][0] - m[1][1] + m[2][2],
        ],
        dim=-1,
    )
    sizes = sizes.clamp(min=0.0).sqrt()  # twice |w|, |x|, |y|, |z|
    w, x, y, z = sizes.square().unbind(dim=-1)
    yz, zx, xy = m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]
    sxy, szx, syz = m[1][0] + m[0][1], m[0][2] + m[2][0], m[2][1] + m[1][2]
    ways = torch.stack(  # [...,4 ways,4] as (w, x, y, z) times twice the largest
        [
            torch.stack(way, dim=-1)
            for way in ((w, yz, zx, xy), (yz, x, sxy, szx), (zx, sxy, y, syz), (xy, szx, syz, z))
        ],
        dim=-2,
    )
    ways = ways / (2.0 * sizes[..., None].clamp(min=0.1))
    best = sizes.argmax(dim=-1)[..., None, None].expand(*sizes.shape[:-1], 1, 4)
    chosen = ways.gather(-2, best)[..., 0, :].roll(-1, dims=-1)
    return torch.where(chosen[..., 3:] < 0, -chosen, chosen)


def normalise_poses(camera_from_world: Tensor, smallest: float | None = None) -> Tensor:
    """Poses [N,4,4] as the network was trained on: relative to the first, the median distance of the centres from it
    one (the lower of two middles, the first frame counted).

    Where that is negligible the largest distance is one; cameras in one place stay as they are. The original divides by
    `smallest` = 0.1 of the poses' own unit at least, so that its answer depends on the unit, and two frames come ten
    times too far apart.
    """
    first = torch.eye(4, dtype=camera_from_world.dtype, device=camera_from_world.device)
    first[:3] = inverse_of_rigid(camera_from_world[0, :3, :3], camera_from_world[0, :3, 3])
    moved = camera_from_world @ first
    centres = inverse_of_rigid(moved[:, :3, :3], moved[:, :3, 3])[..., 3]
    distances = centres.norm(dim=-1)
    median, largest = float(distances.median()), float(distances.max())
    together = largest <= NEGLIGIBLE * float(camera_from_world[:, :3, 3].norm(dim=-1).max())
    own = 1.0 if together else median if median > NEGLIGIBLE * largest else largest
    moved[:, :3, 3] /= own if smallest is None else max(median, smallest)
    return moved
