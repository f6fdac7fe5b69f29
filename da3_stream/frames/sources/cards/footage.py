"""Footage: the recordings that an input is made of, in order and as they follow each other, and what is said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ....errors import FramesError
from ....settings import FramesSettings
from ..chain import LeftOutFile, Link
from ..resizing import MAX_ASPECT_CHANGE
from ..video.files import video_recording
from .cameras import choose_camera
from .copies import without_copies
from .follow import CLOCK_S, follow
from .joints import TAIL_S, find_joint, good_frames, length_s
from .names import ClipName, read_names
from .order import Clip, RecordedOrder, in_order_of_names, recorded_order, without_simultaneous
from .said import joint_sentences, left_out_sentences, missing_chapters, order_sentence
from .search import Found

Size = tuple[int, int]  # width, height

CLOCK_OVERLAP_S = 60.0  # most that is looked for where clocks tell that two files overlap


@dataclass(frozen=True, eq=False)
class Footage:
    """Recordings as they follow each other, the (width, height) that most frames have, files that were left out, and
    sentences about all that."""

    name: str
    links: Sequence[Link]
    size: Size
    left_out: Sequence[LeftOutFile] = ()
    said: Sequence[str] = ()


def read_footage(name: str, found: Found, settings: FramesSettings, image_side: int | None, as_given: bool) -> Footage:
    """The videos that were found as one recording after the other, the longest side of their pictures `image_side`.

    `as_given`: somebody named them one by one, in an order of his own. Raises FramesError if none can be used, or the
    camera that the settings name is not there.
    """
    of_camera, other_cameras, camera = choose_camera(read_names(found.videos), settings.camera)
    names = {name.path: name for name in of_camera}
    paths, copies = without_copies([name.path for name in of_camera])  # what another camera shows is no copy
    clips, unusable = _open_all(in_order_of_names([names[path] for path in paths], as_given), settings, image_side)
    if not clips:
        raise FramesError(_why_none(name, unusable))
    size = _usual_size(clips)
    clips, odd = _of_shape(size, clips)
    order, simultaneous = without_simultaneous(recorded_order([clip for clip, _ in clips]))
    links, joined = _link(order)
    left_out = [*found.left_out, *copies, *other_cameras, *unusable, *odd, *simultaneous]
    said = [order_sentence(order, found.videos, as_given), missing_chapters(order.clips), camera, *joined]
    said += left_out_sentences(left_out)
    return Footage(name, links, size, left_out, [sentence for sentence in said if sentence])


def _why_none(name: str, unusable: Sequence[LeftOutFile]) -> str:
    if len(unusable) == 1:
        return f"the video of '{name}' cannot be used: {unusable[0].reason}"
    return f"none of the {len(unusable)} videos of '{name}' can be used, the first: {unusable[0].reason}"


def _open_all(
    names: Sequence[ClipName], settings: FramesSettings, image_side: int | None
) -> tuple[list[tuple[Clip, Size]], list[LeftOutFile]]:
    """Those clips that can be read, with the size of their first picture, and the others."""
    clips, unusable = [], []
    for name in names:
        try:
            recording = video_recording(name.path, settings.default_fps, image_side)
            first = next(good_frames(recording), None)
        except FramesError as error:
            unusable.append(LeftOutFile(str(name.path), str(error)))
            continue
        if first is None:
            unusable.append(LeftOutFile(str(name.path), "none of its frames can be decoded"))
        else:
            clips.append((Clip(recording, name), first[1].size))
    return clips, unusable


def _usual_size(clips: Sequence[tuple[Clip, Size]]) -> Size:
    """The size that most frames have, of those of the shape (width to height) that most have."""
    frames: Counter[Size] = Counter()
    for clip, size in clips:
        frames[size] += clip.recording.count or 1
    of_shape = {size: sum(frames[other] for other in frames if _are_alike(size, other)) for size in frames}
    return max(frames, key=lambda size: (of_shape[size], frames[size]))


def _of_shape(size: Size, clips: Sequence[tuple[Clip, Size]]) -> tuple[list[tuple[Clip, Size]], list[LeftOutFile]]:
    """The clips of a shape, and the others, which no run could hold beside them."""
    used = [(clip, own) for clip, own in clips if _are_alike(size, own)]
    odd = [
        LeftOutFile(str(clip.name.path), f"its pictures of {own[0]}x{own[1]} have another shape")
        for clip, own in clips
        if not _are_alike(size, own)
    ]
    return used, odd


def _are_alike(a: Size, b: Size) -> bool:
    return abs(a[0] * b[1] / (a[1] * b[0]) - 1) <= MAX_ASPECT_CHANGE


def _link(order: RecordedOrder) -> tuple[list[Link], list[str]]:
    """How the clips follow each other in time, and what is to be said of that."""
    recordings = [clip.recording for clip in order.clips]
    links, joints = [Link(recordings[0], 0, False, 0.0)], []
    epoch = order.begins[0]  # time 0 of the input by the clock that the clips share
    for before, after, begin in zip(recordings, recordings[1:], order.begins[1:], strict=False):
        clock = None if begin is None or epoch is None else begin - epoch
        joint = find_joint(before, after, _tail_s(links[-1], clock))
        follows = follow(links[-1], after, joint, clock)
        if follows.lead_s < -CLOCK_S and epoch is not None:
            epoch += follows.lead_s
        links.append(follows.link)
        joints.append(follows)
    return links, joint_sentences(joints)


def _tail_s(link: Link, clock: float | None) -> float:
    """How much of a recording's end the next one may repeat: more than usual where the clock tells so."""
    overlap = 0.0 if clock is None else (link.offset_s or 0.0) + length_s(link.recording) - clock
    return min(max(TAIL_S, overlap + CLOCK_S), CLOCK_OVERLAP_S)
