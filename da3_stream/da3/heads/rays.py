"""Poses and intrinsics from maps of rays: a homography from the plane of pixels to the directions, by RANSAC and a
direct linear transform, taken apart into rotation and calibration."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...errors import ModelError
from .camera import inverse_of_rigid

HYPOTHESES = 100
SAMPLE = 8
CANDIDATE_SHARE = 0.3
INLIER = 0.2  # distance in the plane of directions at depth 1
REFIT_LIMIT = 8000
REFIT_SHARE = 0.95
SMALLEST_Z = 1e-4


@dataclass(frozen=True, eq=False)
class RayFit:
    """How cameras are fitted to rays: `index` [100,8] says which candidates make which hypothesis, without it chance
    does, by `generator` (None: torch's global one). The original decomposes by QL, which is right for a centred
    principal point only; `exact` takes QR."""

    index: Tensor | None = None
    generator: torch.Generator | None = None
    exact: bool = False


def cameras_from_rays(
    rays: Tensor, confidence: Tensor, size: tuple[int, int], fit: RayFit | None = None
) -> tuple[Tensor, Tensor]:
    """Rays [N,h,w,6] (direction, centre) with confidence [N,h,w] -> camera_from_world [N,3,4] and K [N,3,3] in pixels
    of images of (height, width)."""
    fit = fit or RayFit()
    index = sample_index(confidence[0].numel(), fit.generator) if fit.index is None else fit.index
    fit = replace(fit, index=index)
    pairs = [_camera(ray, weight, size, fit) for ray, weight in zip(rays, confidence, strict=True)]
    poses, cameras = zip(*pairs, strict=True)
    return torch.stack(poses), torch.stack(cameras)


def sample_index(pixels: int, generator: torch.Generator | None = None) -> Tensor:
    """[100,8] places among the candidates of a map with this many pixels."""
    count = _candidate_count(pixels)
    return torch.stack([torch.randperm(count, generator=generator)[:SAMPLE] for _ in range(HYPOTHESES)])


def _candidate_count(pixels: int) -> int:
    return max(SAMPLE, int(CANDIDATE_SHARE * pixels))


def _camera(ray: Tensor, confidence: Tensor, size: tuple[int, int], fit: RayFit) -> tuple[Tensor, Tensor]:
    source = _pixel_plane(ray.shape[0], ray.shape[1], ray.device)
    direction, centre = ray[..., :3].reshape(-1, 3), ray[..., 3:].reshape(-1, 3)
    z = direction[:, 2:]
    usable = z.abs() > SMALLEST_Z
    target = torch.where(usable, direction[:, :2] / torch.where(usable, z, 1.0), 0.0)
    weight = torch.where(usable[:, 0], confidence.reshape(-1), 0.0)
    homography = _robust_homography(source, target, weight, fit)
    rotation, triangle = (_qr if fit.exact else _ql)(homography)
    centre = (weight[:, None] * centre).sum(dim=0) / weight.sum()
    return inverse_of_rigid(rotation, centre), _intrinsics(triangle, size, fit.exact)


def _pixel_plane(rows: int, columns: int, device: torch.device) -> Tensor:
    """Centres of the pixels [M,2], -1 to 1 across and down."""
    x = (2 * torch.arange(columns, device=device) + 1) / columns - 1
    y = (2 * torch.arange(rows, device=device) + 1) / rows - 1
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)


def _robust_homography(source: Tensor, target: Tensor, weight: Tensor, fit: RayFit) -> Tensor:
    """[3,3] that maps (x, y, 1) to (target, 1)."""
    index = fit.index
    assert index is not None
    candidates = weight.argsort(descending=True)[: _candidate_count(len(weight))]
    if int(index.max()) >= len(candidates):
        raise ModelError(f"ransac_index asks for candidate {int(index.max())}, there are {len(candidates)}")
    chosen = candidates[index.to(candidates.device)]  # [100,8]
    hypotheses = direct_linear_transform(source[chosen], target[chosen], weight[chosen])
    score = torch.stack([(weight * _inlier_mask(h, source, target)).sum() for h in hypotheses])
    inliers = torch.nonzero(_inlier_mask(hypotheses[score.argmax()], source, target))[:, 0]
    if len(inliers) > REFIT_LIMIT:
        inliers = _subsample(inliers, weight, fit.generator)
    fitted = direct_linear_transform(source[inliers], target[inliers], weight[inliers])
    return fitted * torch.where(torch.linalg.det(fitted) < 0, -1.0, 1.0)


def _inlier_mask(homography: Tensor, source: Tensor, target: Tensor) -> Tensor:
    mapped = source @ homography[:, :2].T + homography[:, 2]
    return (mapped[:, :2] / mapped[:, 2:] - target).norm(dim=-1) < INLIER


def _subsample(inliers: Tensor, weight: Tensor, generator: torch.Generator | None) -> Tensor:
    """A random choice of the most confident."""
    kept = max(int(REFIT_SHARE * len(inliers)), REFIT_LIMIT)
    surest = inliers[weight[inliers].argsort(descending=True)[:kept]]
    return surest[torch.randperm(len(surest), generator=generator)[:REFIT_LIMIT].to(surest.device)]


def direct_linear_transform(source: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Weighted homographies [...,3,3] from points [...,n,2], through the 9 x 9 normal matrix in float64; H33 is one."""
    source, target, weight = source.double(), target.double(), weight.double()
    one, zero = torch.ones_like(source[..., :1]), torch.zeros_like(source)
    point = torch.cat([source, one], dim=-1)
    nothing = torch.cat([zero, torch.zeros_like(one)], dim=-1)
    upper = torch.cat([-point, nothing, target[..., :1] * point], dim=-1)
    lower = torch.cat([nothing, -point, target[..., 1:] * point], dim=-1)
    normal = sum(row.transpose(-1, -2) @ (weight[..., None] * row) for row in (upper, lower))
    smallest = torch.linalg.eigh(normal).eigenvectors[..., 0].unflatten(-1, (3, 3))
    return (smallest / smallest[..., 2:, 2:]).to(torch.float32)


def _ql(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation and lower triangle with positive diagonal whose product it is."""
    q, r = _qr(matrix.flip(-1))
    return q.flip(-1), r.flip(-1).flip(-2)


def _qr(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation and upper triangle with positive diagonal whose product it is."""
    q, r = torch.linalg.qr(matrix)
    sign = torch.where(r.diagonal() < 0, -1.0, 1.0)
    return q * sign, sign[:, None] * r


def _intrinsics(triangle: Tensor, size: tuple[int, int], exact: bool) -> Tensor:
    """K in pixels from the triangle: directions are R K^-1 (x, y, 1) in units of half the image."""
    height, width = size
    triangle = triangle / triangle[2, 2]
    focal = 1.0 / triangle.diagonal()[:2]
    offset = -focal * triangle[:2, 2] if exact else triangle[2, :2]
    k = torch.eye(3, dtype=triangle.dtype, device=triangle.device)
    half = torch.tensor([width / 2, height / 2], dtype=triangle.dtype, device=triangle.device)
    k[0, 0], k[1, 1] = focal * half
    k[:2, 2] = (offset + 1) * half
    return k
