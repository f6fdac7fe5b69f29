"""Videos that all players show: MP4 with H.264 in 4:2:0, its colour space named."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..errors import ExportError
from ..types import UInt8

BT709, NARROW = 1, 1  # colour space and range, named in the file so that players do not have to guess
MAX_SIDE = 16384  # pixels that H.264 takes

Quality = Literal["low", "medium", "high"]


class Coding(NamedTuple):
    """How x264 spends bits and time."""

    crf: int
    preset: str


FINE = Coding(18, "veryfast")
QUALITIES: dict[Quality, Coding] = {
    "low": Coding(28, "veryfast"),
    "medium": Coding(23, "medium"),
    "high": Coding(18, "slow"),
}


def even(size: tuple[int, int]) -> tuple[int, int]:
    """The largest even size within (width, height), at least 2x2: 4:2:0 shares a colour between four pixels."""
    return max(2, size[0] // 2 * 2), max(2, size[1] // 2 * 2)


def write_film(
    path: Path, images: Iterable[UInt8], size: tuple[int, int], rate: Fraction, comment: str, coding: Coding = FINE
) -> None:
    """Write pictures [H,W,3] RGB of (width, height), even, at so many a second.

    Raises ExportError where they are too large for H.264, or the disk is full.
    """
    import av

    if max(size) > MAX_SIDE:
        raise ExportError(
            f"a film of {size[0]}x{size[1]} pixels is too large for H.264: give --resolution model, or a smaller size"
        )
    try:
        with av.open(str(path), "w", format="mp4") as container:
            container.metadata["comment"] = comment
            stream = _stream(container, size, rate, coding)
            for image in images:
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                container.mux(
                    stream.encode(frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=NARROW))
                )
            container.mux(stream.encode())
    except av.FFmpegError as error:
        raise ExportError(f"cannot write the film: {error.strerror}") from error


def _stream(container: Any, size: tuple[int, int], rate: Fraction, coding: Coding) -> Any:
    options = {"crf": str(coding.crf), "preset": coding.preset}
    stream = container.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.colorspace = stream.color_primaries = stream.color_trc = BT709
    stream.color_range = NARROW
    return stream
