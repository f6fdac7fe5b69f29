"""Inputs in whatever form users have them: to arrays, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..errors import ModelError
from .network.frame_cache import FrameKey
from .preprocess import Image, PreparedImage

Float64 = NDArray[np.float64]


def pixels(image: Any) -> Image:
    """RGB [H,W,3] of a path, an array, a tensor or a PIL image."""
    if isinstance(image, (str, Path)):
        return _read(Path(image))
    if isinstance(image, Tensor):
        return image.detach().cpu().numpy()
    return np.asarray(image.convert("RGB") if hasattr(image, "convert") else image)


def _read(path: Path) -> Image:
    """An image file as a run reads it: upright, whatever its format. Raises ModelError where it cannot be read."""
    from ..frames import read_picture

    picture = read_picture(path)
    if isinstance(picture, str):
        raise ModelError(f"{path} is no image that can be read: {picture}")
    return picture.image


def matrices(values: ArrayLike | None, count: int, name: str) -> Float64 | None:
    """[N,3,3] for intrinsics, [N,4,4] for poses."""
    if values is None:
        return None
    array = np.asarray(values, np.float64)
    shapes = ((count, 3, 3),) if name == "intrinsics" else ((count, 3, 4), (count, 4, 4))
    if array.shape not in shapes:
        raise ModelError(f"{name} must be {' or '.join(str(list(shape)) for shape in shapes)}, not {list(array.shape)}")
    if not np.isfinite(array).all():
        raise ModelError(f"{name} must be finite")
    if name == "intrinsics":
        _require_cameras(array)
    else:
        _require_rigid(array[:, :3, :3])
    if array.shape[1] == 3 and array.shape[2] == 4:
        array = np.concatenate([array, np.tile([[[0.0, 0.0, 0.0, 1.0]]], (count, 1, 1))], axis=1)
    return array


def _require_cameras(k: Float64) -> None:
    if (k[:, [0, 1], [0, 1]] <= 0).any() or not np.allclose(k[:, 2], (0, 0, 1)):
        raise ModelError("intrinsics must have focal lengths above 0 and (0, 0, 1) as their last row")


def _require_rigid(rotation: Float64) -> None:
    same = np.allclose(rotation @ rotation.transpose(0, 2, 1), np.eye(3), atol=1e-3)
    if not same or (np.linalg.det(rotation) < 0).any():
        raise ModelError("camera_from_world must be rotations with translations, in the axes of OpenCV")


def frame_keys(prepared: list[PreparedImage], indices: Sequence[int] | None) -> tuple[FrameKey, ...]:
    """A key for every frame, by its place in the video and what the network sees of it; none without `indices`."""
    if indices is None:
        return ()
    if len(indices) != len(prepared):
        raise ModelError(f"{len(indices)} indices do not fit {len(prepared)} images")
    contents = [repr(each.image.shape).encode() + each.image.tobytes() for each in prepared]
    digests = [hashlib.blake2b(content, digest_size=16).digest() for content in contents]
    return tuple(FrameKey(int(index), digest) for index, digest in zip(indices, digests, strict=True))
