"""Gaussians as rows of numbers, in the units and the order of the PLY files that viewers of splats read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .gaussians import Gaussians
from .window import Float32

MOST_OPACITY = 1 - 2.0**-24  # the logit of 1 would be infinite


def opacity_logits(opacities: NDArray[Any]) -> NDArray[np.float64]:
    """ln(p / (1 - p)) of opacities [G]; minus infinity for 0, as the original writes it."""
    opacity = opacities.astype(np.float64).clip(0, MOST_OPACITY)
    with np.errstate(divide="ignore"):
        return np.log(opacity) - np.log1p(-opacity)


def splat_properties(bands: int) -> list[str]:
    """The names of the columns; `bands` are harmonics of degree 1 and more. Colours of those one channel after the
    other, as viewers expect them."""
    rest = [f"f_rest_{i}" for i in range(3 * bands)]
    indexed = (f"{name}_{i}" for name, count in (("scale", 3), ("rot", 4)) for i in range(count))
    return [*"xyz", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", *rest, "opacity", *indexed]


def splat_rows(gaussians: Gaussians[NDArray[Any]], bands: int) -> Float32:
    """The rows [G, 17 + 3 bands] of Gaussians [G,...] with sizes above 0, little endian: `splat_properties`."""
    count = len(gaussians)
    columns = [
        gaussians.means,
        np.zeros((count, 3)),
        gaussians.harmonics[..., 0],
        gaussians.harmonics[..., 1 : 1 + bands].reshape(count, 3 * bands),
        opacity_logits(gaussians.opacities)[:, None],
        np.log(gaussians.scales),
        gaussians.rotations,
    ]
    return np.concatenate(columns, axis=1, dtype="<f4", casting="same_kind")


def splat_ply_header(count: int, bands: int, comments: Iterable[str] = ()) -> bytes:
    """What stands in a PLY file before so many of these rows; comments are lines in ASCII."""
    said = "".join(f"comment {comment}\n" for comment in comments)
    properties = "".join(f"property float {name}\n" for name in splat_properties(bands))
    text = f"ply\nformat binary_little_endian 1.0\n{said}element vertex {count}\n{properties}end_header\n"
    return text.encode("ascii")
