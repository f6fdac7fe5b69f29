"""Which side of a video's picture is up."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np

Array = TypeVar("Array", bound=np.ndarray[Any, Any])
Matrix = tuple[int, ...]  # ISO 14496-12: a b u c d v x y w
FIRST_UNKNOWN, AFTER_UNKNOWN = 28, 40  # kinds of side data, LCEVC to EXIF and beyond, that PyAV cannot name


def read_display_matrix(frame: Any) -> Matrix | None:
    """The display matrix of a decoder's frame; where its picture has EXIF data of its own, FFmpeg has put that here."""
    from av.sidedata.sidedata import Type

    try:
        data = frame.side_data.get(Type.DISPLAYMATRIX)
    except ValueError:  # PyAV 18.1 fails on all side data where there is one that it cannot name
        data = _without_unknown(frame).side_data.get(Type.DISPLAYMATRIX)
    return None if data is None else tuple(np.frombuffer(bytes(data), np.int32).tolist())


def is_quarter_turn(matrix: Matrix | None) -> bool:
    """Whether width and height change places."""
    return matrix is not None and abs(matrix[1]) > abs(matrix[0])


def turn_upright(image: Array, matrix: Matrix | None) -> Array:
    """Apply a display matrix to an image or mask [H,W,...], in quarter turns and flips.

    The matrix takes column p and row q to column a p + c q and row b p + d q.
    """
    if matrix is None:
        return image
    a, b, _, c, d = matrix[:5]
    if is_quarter_turn(matrix):
        image = cast(Array, image.swapaxes(0, 1))
        across, down = c, b
    else:
        across, down = a, d
    return cast(Array, np.ascontiguousarray(image[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]))


def _without_unknown(frame: Any) -> Any:
    from .filtering import filter_frame

    kinds = range(FIRST_UNKNOWN, AFTER_UNKNOWN)
    return filter_frame(frame, *(("sidedata", f"mode=delete:type={kind}") for kind in kinds))
