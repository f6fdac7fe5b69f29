"""Every Gaussian as the ellipse that it covers in a picture: EWA splatting.

The projection is replaced by its tangent at the mean, so that a Gaussian of the world is one of the picture, with
covariance C = J S J^T + BLUR I (Zwicker et al. 2001). Of C = [[a, b], [b, c]] the Cholesky factor is kept, not the
inverse: the exponent at an offset (dx, dy) is -(u^2 + v^2)/2 with u = dx/sqrt(a) and v = sqrt(a/det) (dy - dx b/a). So
nothing cancels where an ellipse is a thousand times as long as it is wide. Geometry is computed in float64.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..geometry import harmonic_terms
from ..types import Gaussians
from .view import NEAR, View

BLUR = 0.3  # square pixels, added to every ellipse: none falls between the pixels
LEAST_ALPHA = 1 / 1024  # below it a Gaussian is cut off: a quarter of a step of 8 bits; viewers cut at 1/255
MARGIN = 0.3  # of half the picture, beside it: the tangent of means farther out is taken there
AT_ONCE = 1 << 16  # Gaussians that are projected together
FAR_OUT = 1e9  # pixels; beyond it an ellipse is not a picture's

# columns of `Footprints.table`
X, Y, U_DX, V_DX, V_DY, LOG_OPACITY, REACH, DEPTH, RED = range(9)
COLUMNS = RED + 3


class Footprints(NamedTuple):
    """What V Gaussians are in a picture; only those that it shows."""

    table: Tensor  # [V,11] float32: mean x, y in pixels; u = U_DX dx, v = V_DX dx + V_DY dy; ln of the opacity; the
    # length of (u, v) at which it is cut off; depth along z; red, green, blue
    box: Tensor  # [V,4] int32: first and last column, first and last row of the pixels whose centres it may cover


def footprints(gaussians: Gaussians[Any], view: View, device: torch.device) -> Footprints:
    """Those of the Gaussians [G,...] that a view shows, in their order, on a device.

    Left out are Gaussians nearer than NEAR, beside the picture, below LEAST_ALPHA everywhere, and those that are none:
    with a number that is not finite, a negative size, a quaternion of length 0.
    """
    count, shown = len(gaussians), 0
    table = torch.empty(count, COLUMNS, device=device)  # takes memory only where it is written to
    box = torch.empty(count, 4, dtype=torch.int32, device=device)
    for start in range(0, count, AT_ONCE):
        where = slice(start, start + AT_ONCE)
        piece = Gaussians(**{name: _tensor(x[where]).to(device) for name, x in vars(gaussians).items()})
        found = _of_piece(piece, view)
        end = shown + len(found.table)
        table[shown:end], box[shown:end] = found
        shown = end
    return Footprints(table[:shown], box[:shown])


def _tensor(values: Any) -> Tensor:
    return values if isinstance(values, Tensor) else torch.tensor(values)  # a copy: files that are mapped are read-only


def _of_piece(gaussians: Gaussians[Tensor], view: View) -> Footprints:
    double = gaussians.means.new_empty(0, dtype=torch.float64)
    away = gaussians.means.double() - double.new_tensor(view.centre)
    seen = away @ double.new_tensor(view.rotation.T)
    index = torch.nonzero(seen[:, 2] >= NEAR)[:, 0]
    scales, rotations, opacities = (
        x.index_select(0, index).double() for x in (gaussians.scales, gaussians.rotations, gaussians.opacities)
    )
    ellipses = _ellipses(scales, rotations, opacities, seen.index_select(0, index), view)
    boxes, inside = _boxes(ellipses, view.size)
    index = index[inside]
    colours = _colours(gaussians.harmonics.index_select(0, index), away.index_select(0, index))
    table = torch.cat([ellipses[inside, :RED].float(), colours], dim=1)
    finite = table.isfinite().all(dim=1)
    return Footprints(table[finite], boxes[inside][finite])


def _ellipses(scales: Tensor, rotations: Tensor, opacities: Tensor, seen: Tensor, view: View) -> Tensor:
    """The columns of the table up to DEPTH, and how far left and right, up and down the ellipse reaches: [n,10]
    float64, NaN for what is no Gaussian. `seen` [n,3] are the means in the camera's frame."""
    k = seen.new_tensor(view.intrinsics)
    x, y = (seen[:, :2] / seen[:, 2:] @ k[:2, :2].T + k[:2, 2]).T
    (a0, a1, a2), (c0, c1, c2) = _axes(scales, rotations, _tangents(seen, view))
    a, b, c = a0 * a0 + a1 * a1 + a2 * a2, a0 * c0 + a1 * c1 + a2 * c2, c0 * c0 + c1 * c1 + c2 * c2
    squares = (a0 * c1 - a1 * c0) ** 2 + (a0 * c2 - a2 * c0) ** 2 + (a1 * c2 - a2 * c1) ** 2  # = a c - b b
    determinant = squares + BLUR * (a + c) + BLUR**2
    a, c = a + BLUR, c + BLUR
    v_dy = (a / determinant).sqrt()
    log_opacity = opacities.clamp(max=1).log()
    reach = (2 * (log_opacity - math.log(LEAST_ALPHA))).sqrt()  # NaN where all of it is below
    columns = [x, y, 1 / a.sqrt(), -v_dy * b / a, v_dy, log_opacity, reach, seen[:, 2], reach * a.sqrt()]
    return torch.stack([*columns, reach * c.sqrt()], dim=1)


def _tangents(seen: Tensor, view: View) -> tuple[Tensor, Tensor]:
    """How the pixel's column and its row change with a step in the world, [n,3] each, at means [n,3] in the camera's
    frame."""
    k, rotation = view.intrinsics, seen.new_tensor(view.rotation)
    z = seen[:, 2:]
    limits = [_limits(k[i, 2] / k[i, i], side / k[i, i]) for i, side in enumerate(view.size)]
    across, downward = ((rotation[i] - (seen[:, i : i + 1] / z).clamp(*limits[i]) * rotation[2]) / z for i in range(2))
    return float(k[0, 0]) * across + float(k[0, 1]) * downward, float(k[1, 1]) * downward


def _limits(before: float, whole: float) -> tuple[float, float]:
    """Between which slopes of sight tangents are taken: of a picture's width or height `whole` at a distance of 1, of
    which so much lies before the axis. Beside the picture a tangent blows small things up to huge ones."""
    margin = MARGIN * whole / 2
    return -before - margin, whole - before + margin


def _axes(scales: Tensor, rotations: Tensor, tangents: tuple[Tensor, Tensor]) -> list[list[Tensor]]:
    """The three axes of each Gaussian in the picture, one standard deviation long: their columns, and their rows."""
    w, x, y, z = (rotations / rotations.norm(dim=1, keepdim=True)).T
    sizes = torch.where(scales >= 0, scales, torch.nan).T
    world = (
        (1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)),
        (2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)),
        (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)),
    )
    return [
        [size * (t[:, 0] * e0 + t[:, 1] * e1 + t[:, 2] * e2) for size, (e0, e1, e2) in zip(sizes, world, strict=True)]
        for t in tangents
    ]


def _boxes(ellipses: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The boxes [n,4] of ellipses, within the picture, and which of them hold the centre of a pixel."""
    mean, half = ellipses[:, [X, Y]] - 0.5, ellipses[:, RED:]
    last = mean.new_tensor(size) - 1
    first = (mean - half).clamp(-FAR_OUT, FAR_OUT).ceil().clamp(min=0)
    final = torch.minimum((mean + half).clamp(-FAR_OUT, FAR_OUT).floor(), last)
    inside = (first <= final).all(dim=1)  # never with NaN
    box = torch.stack([first[:, 0], final[:, 0], first[:, 1], final[:, 1]], dim=1)
    return box.nan_to_num().to(torch.int32), inside


def _colours(harmonics: Tensor, away: Tensor) -> Tensor:
    """Red, green and blue [n,3] of coefficients [n,3,K] seen along `away` [n,3]."""
    x, y, z = (away / away.norm(dim=1, keepdim=True)).float().T
    terms = harmonic_terms(x, y, z, math.isqrt(harmonics.shape[-1]) - 1)
    colour = 0.5 + terms[0] * harmonics[:, :, 0].float()
    for k, term in enumerate(terms[1:], start=1):
        colour += term[:, None] * harmonics[:, :, k]
    return colour.clamp(min=0)
