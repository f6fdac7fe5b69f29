"""How the pixels of a video stream are stored: what is known of it once, before its frames become pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Any

from ..images.levels import Levels
from .deep import is_deep_gray, measure_levels
from .fields import COMBED, WHOLE, Field, measure_combing, measure_motion
from .filtering import ANY_TIME_BASE
from .tone_mapping import BT2020, HLG, P3, PQ

GLIMPSED, SURVEYED = 2, 16  # frames at the beginning that are looked at; the second where they may be interlaced
CERTAIN = 0.75  # share of frames in which the same field comes first, where nothing marks them as interlaced
MOVING = 0.3  # of `measure_motion`: combs that stand still, as of dithered colours, are no fields
MAX_INTERLACED_ROWS = 1088  # of a picture; nothing larger is recorded in fields
MAX_SD_ROWS = 576
PROGRESSIVE, BOTTOM_FIRST = 1, (3, 4)  # FFmpeg's AVFieldOrder: no fields; those that show the bottom field first
FIELDS = (2, 3, 4, 5)
WITHOUT_FIELDS = ("hevc", "vp8", "vp9", "av1", "libdav1d")  # codecs that know no fields, or hardly ever have them
MAX_STRETCH = 8  # of a pixel; what says more is taken for damage
SQUARE = Fraction(1)


@dataclass(frozen=True)
class Pixels:
    """The pixels of a stream: width over height of one (`aspect`), whether that holds for all of the stream whatever
    the codec says, and which field of interlaced pictures is the first. `unmarked`: pictures are interlaced though
    nothing says so. `levels` are which values of deep gray pictures become black and white, None for all others."""

    aspect: Fraction = SQUARE
    fixed: bool = False
    field: Field = "top"
    unmarked: bool = False
    levels: Levels | None = None

    def black_and_white(self) -> tuple[float, float] | None:
        """Which stored values become black and white; None where nothing is stretched."""
        return None if self.levels is None else (self.levels.low, self.levels.high)

    def aspect_now(self, stream: Any) -> Fraction:
        """Width over height of the pixels of the frame that the decoder gave last."""
        return self.aspect if self.fixed else usable_aspect(stream.codec_context.sample_aspect_ratio)


def known_pixels(stream: Any) -> Pixels:
    """What container and codec say, without a look at any frame. The container knows better, as players have it."""
    codec = stream.codec_context
    aspect = usable_aspect(stream.sample_aspect_ratio)
    fixed = aspect != usable_aspect(codec.sample_aspect_ratio)
    return Pixels(aspect, fixed, "bottom" if codec.field_order in BOTTOM_FIRST else "top")


def is_interlaced(stream: Any) -> bool:
    """Whether container or codec say that pictures are made of fields."""
    return stream.codec_context.field_order in FIELDS


def survey_pixels(stream: Any, frames: Iterator[Any], sample: Callable[[], Iterable[Any]]) -> tuple[Pixels, list[str]]:
    """What a stream says of its pixels and its first good frames show, and what of it is worth telling.

    `sample` gives frames of all of it.
    """
    codec, known = stream.codec_context, known_pixels(stream)
    if codec.pix_fmt and _is_whole(codec):  # what the codec says is enough
        return _tell(codec, known, "", sample)
    first = next(frames, None)
    return (known, []) if first is None else _tell(first, *_survey_fields(first, frames, known), sample)


def _tell(
    first: Any, pixels: Pixels, interlacing: str, sample: Callable[[], Iterable[Any]]
) -> tuple[Pixels, list[str]]:
    """The pixels with levels, if they need some, and what is worth telling, by a first frame or a codec."""
    told = [_on_aspect(first, pixels.aspect), interlacing, _on_colors(first)]
    if is_deep_gray(first):
        pixels = replace(pixels, levels=measure_levels(sample()))
        told.append(str(pixels.levels or ""))
    return pixels, [text for text in told if text]


def usable_aspect(aspect: Fraction | None) -> Fraction:
    """The aspect of a pixel, 1 where it is not known."""
    if aspect is None or not aspect or not 1 / MAX_STRETCH <= aspect <= MAX_STRETCH:
        return SQUARE
    return Fraction(aspect)


def square_size(size: tuple[int, int], aspect: Fraction) -> tuple[int, int]:
    """(width, height) in square pixels of a stored one: the height stays."""
    return max(1, round(size[0] * aspect)), size[1]


def good_frames(container: Any, stream: Any) -> Iterator[Any]:
    """The first frames of a container, without damaged ones; no more are decoded than are asked for."""
    import av

    stream.thread_type = "NONE"
    for packet in container.demux(stream):
        try:
            yield from (frame for frame in stream.decode(packet) if not frame.is_corrupt)
        except av.FFmpegError:
            continue


def _on_aspect(frame: Any, aspect: Fraction) -> str:
    size = square_size((frame.width, frame.height), aspect)
    if size == (frame.width, frame.height):
        return ""
    return (
        f"pixels are not square ({aspect.numerator}:{aspect.denominator}): pictures of {frame.width}x{frame.height} "
        f"are shown at {size[0]}x{size[1]}"
    )


def _survey_fields(first: Any, later: Iterator[Any], known: Pixels) -> tuple[Pixels, str]:
    """The field that comes first, by the motion if there is any, and what is to be said of interlacing."""
    if first.height > MAX_INTERLACED_ROWS:
        return known, ""
    frames = [first, *islice(later, GLIMPSED - 1)]
    marked = any(frame.interlaced_frame for frame in frames)
    if not marked and sum(measure_combing(frame) > COMBED for frame in frames) <= len(frames) / 2:
        return known, ""
    frames += islice(later, SURVEYED - GLIMPSED)
    frames = [frame for frame in frames if _layout(frame) == _layout(first)]
    votes = Counter(_field_orders(frames))
    if not marked and (max(votes["tff"], votes["bff"]) < CERTAIN * len(frames) or measure_motion(frames) < MOVING):
        return known, ""
    if votes["tff"] != votes["bff"]:
        known = replace(known, field="top" if votes["tff"] > votes["bff"] else "bottom")
    if marked and all(measure_combing(frame) < WHOLE for frame in frames):
        return known, "the video is marked as interlaced, but its pictures are whole: where fields differ one is taken"
    how = "" if marked else ", though nothing says so"
    text = (
        f"the video is interlaced{how}: of each picture the first field ({known.field}) is taken, at the picture's time"
    )
    return replace(known, unmarked=not marked), text


def _is_whole(codec: Any) -> bool:
    """Whether the pictures of a stream are not interlaced for sure. In standard definition its own word is not enough:
    much of it was recorded in fields, and stored anew as whole pictures."""
    says_so = codec.field_order == PROGRESSIVE or codec.name in WITHOUT_FIELDS
    return bool(codec.height > MAX_INTERLACED_ROWS or (says_so and codec.height > MAX_SD_ROWS))


def _layout(frame: Any) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name


def _field_orders(frames: Sequence[Any]) -> Iterator[str]:
    """What FFmpeg's `idet` makes of each frame: "tff", "bff", "progressive" or "undetermined"."""
    from av.error import BlockingIOError, EOFError
    from av.filter import Graph

    graph, first = Graph(), frames[0]
    base = first.time_base or ANY_TIME_BASE
    source = graph.add_buffer(width=first.width, height=first.height, format=first.format, time_base=base)
    graph.link_nodes(source, graph.add("idet"), graph.add("buffersink")).configure()
    for frame in (*frames, None):
        graph.push(frame)
        try:
            while True:
                yield graph.pull().metadata["lavfi.idet.multiple.current_frame"]
        except (BlockingIOError, EOFError):
            continue


def _on_colors(frame: Any) -> str:
    curve = {PQ: "PQ", HLG: "HLG"}.get(frame.color_trc)
    gamut = {BT2020: "BT.2020", P3: "P3"}.get(frame.color_primaries)
    if curve:
        return f"the video is HDR ({curve}): tone-mapped to BT.709"
    return f"the video's colours ({gamut}) are converted to BT.709" if gamut else ""
