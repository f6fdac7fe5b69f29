"""Gaussians as the PLY files that viewers and trainers of splats read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...errors import ModelError
from ...types import Gaussians
from ...types.splat_rows import splat_ply_header, splat_rows

BORDER_SHARE = 8 / 256  # of a side, left out on each side
NEAREST_SHARE = 0.9  # of a frame's pixels that are kept
MOST_VIEWS = 12  # about as many where no interval is given


def write_ply(
    path: Path | str,
    gaussians: Gaussians[Tensor] | Gaussians[NDArray[Any]],
    depth: Tensor | NDArray[Any],
    views_interval: int | None = 1,
    *,
    all_bands: bool = False,
) -> int:
    """Write Gaussians [G,...] of N frames with depth [N,H,W] (both with a batch of one before, or none) as the original
    does, and return how many there are.

    Left out are a border of each frame, its farthest tenth, and Gaussians with a number that is not finite or a size
    without a logarithm. Of every
    `views_interval` frames the first is written; None: about twelve frames. `all_bands` writes the colours of every
    direction of sight, too, where the original writes the mean. Raises ModelError where the counts do not fit, or the
    file cannot be written.
    """
    maps, arrays = _maps(depth), _arrays(gaussians)
    _require_one_each(arrays, maps.size)
    interval = max(len(maps) // MOST_VIEWS, 1) if views_interval is None else views_interval
    if interval < 1:
        raise ModelError(f"every how many frames are written must be 1 or more, not {views_interval}")
    kept = _kept(maps, arrays, interval)
    with _replacing(Path(path)) as file:
        bands = arrays.harmonics.shape[-1] - 1 if all_bands else 0
        file.write(splat_ply_header(int(kept.sum()), bands))
        for i in range(0, len(maps), interval):
            of_frame = i * maps[i].size + np.flatnonzero(kept[i])
            file.write(splat_rows(arrays.take(of_frame), bands).tobytes())
    return int(kept.sum())


def _require_one_each(gaussians: Gaussians[NDArray[Any]], pixels: int) -> None:
    """Raises ModelError where Gaussians are not one for each pixel, with all their numbers."""
    count = gaussians.opacities.size
    if gaussians.opacities.shape != (pixels,):
        raise ModelError(f"{count} Gaussians do not fit {pixels} pixels of depth: one each")
    bands = gaussians.harmonics.shape[2:] or (1,)
    expected = {"means": (count, 3), "scales": (count, 3), "rotations": (count, 4), "harmonics": (count, 3, *bands)}
    for name, shape in expected.items():
        found = np.shape(getattr(gaussians, name))
        if found != shape:
            raise ModelError(f"the {name} of {count} Gaussians are {list(found)}: expected {list(shape)}")


def _kept(depth: NDArray[Any], gaussians: Gaussians[NDArray[Any]], interval: int) -> NDArray[np.bool_]:
    """Which pixels [N,H*W] are written. Maps with a side below 32 pixels have no border; the original leaves them out
    whole."""
    height, width = depth.shape[1:]
    top, left = int(BORDER_SHARE * height), int(BORDER_SHARE * width)
    kept = np.zeros(depth.shape, bool)
    for i in range(0, len(depth), interval):
        there = depth[i][~np.isnan(depth[i])].astype(np.float64)
        limit = np.quantile(there, NEAREST_SHARE) if there.size else np.nan
        kept[i, top : height - top, left : width - left] = (depth[i] <= limit)[top : height - top, left : width - left]
        of_frame = slice(i * height * width, (i + 1) * height * width)
        finite = [np.isfinite(x[of_frame].reshape(height * width, -1)).all(axis=1) for x in vars(gaussians).values()]
        kept[i] &= np.all([*finite, (gaussians.scales[of_frame] > 0).all(axis=1)], axis=0).reshape(height, width)
    return kept.reshape(len(depth), -1)


def _arrays(gaussians: Gaussians[Any]) -> Gaussians[NDArray[Any]]:
    """The same as arrays [G,...]; views where they are on the CPU."""
    opacities = np.asarray(_array(gaussians.opacities))
    batched = opacities.ndim == 2
    if batched and len(opacities) != 1:
        raise ModelError(f"one clip goes into a file, not {len(opacities)}: take one of the batch")
    fields = {name: _array(getattr(gaussians, name)) for name in ("means", "scales", "rotations", "harmonics")}
    return Gaussians(**{name: x[0] if batched else x for name, x in (fields | {"opacities": opacities}).items()})


def _maps(depth: Any) -> NDArray[Any]:
    """Depth [N,H,W]."""
    maps = _array(depth)
    maps = maps[0] if maps.ndim == 4 and len(maps) == 1 else maps
    if maps.ndim != 3 or maps.size == 0:
        raise ModelError(f"depth must be [N,H,W] with something in it, not {list(maps.shape)}")
    return maps


def _array(values: Any) -> NDArray[Any]:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place when the block ends well. Raises ModelError where the disk refuses."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
