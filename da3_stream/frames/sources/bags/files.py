"""Frames of the camera that a bag recorded: each of the bag's files is a recording, and they follow one another."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from ....errors import FramesError
from ....settings import FramesSettings
from ....types import AdviceCode
from ..chain import LeftOutFile, Link
from ..images.levels import Levels
from ..picture import Picture
from ..recording import Candidate, Recording
from ..source import FrameSource
from .camera import BagCamera, find_camera
from .layout import BagFile
from .pictures import read_stored, show_picture
from .reading import open_bag_file
from .stamps import TimedMessage, time_messages
from .survey import Survey, survey

SEAM_NS = 2 * 10**9  # between two files of one recording, messages of all topics considered


def open_bags(name: str, bags: Sequence[Path], settings: FramesSettings, image_side: int | None) -> FrameSource:
    """The frames of the camera of one bag, or of several that were recorded one after the other, with the times of
    their headers. Raises FramesError with one sentence if there are none."""
    found = survey(name, bags)
    camera = find_camera(name, found, settings)
    left_out = [LeftOutFile(str(file), reason) for file, reason in found.unread]
    source = FrameSource.of(_links(found, camera), settings, image_side, name, left_out)
    source.advice = camera.advice
    return source


def _links(found: Survey, camera: BagCamera) -> list[Link]:
    """The files with the camera's pictures; one that begins long after the one before has ended begins a shot.

    Raises FramesError where one begins long before the one before ends.
    """
    files, topic = found.files(camera.topic), camera.topic
    recordings = [_recording(file, camera, found.counts[topic.name, topic.type][file]) for file in files]
    links = [Link(recordings[0], begins_shot=False, offset_s=0.0)]
    for before, file, recording in zip(files, files[1:], recordings[1:], strict=False):
        (begun, ended), (begins, ends) = found.spans_ns[before], found.spans_ns[file]
        if begins - ended < -min(SEAM_NS, (ended - begun) // 2, (ends - begins) // 2):
            raise FramesError(
                f"'{before.path}' and '{file.path}' both hold {topic.name} of the same time: give one of them"
            )
        links.append(Link(recording, begins_shot=begins - ended > SEAM_NS, offset_s=0.0))
    return links


def _recording(file: BagFile, camera: BagCamera, count: int) -> Recording:
    candidates, levels = partial(_candidates, file, camera, count), camera.levels
    return Recording(
        str(file.path),
        "bag",
        candidates,
        count,
        camera.clock.rate,
        camera.clock.kind != "rate",
        calibration=camera.calibration,
        levels=lambda: None if levels is None else (levels.low, levels.high),
    )


def _candidates(file: BagFile, camera: BagCamera, count: int, start: float | None) -> Generator[Candidate]:
    """The camera's pictures in a file of the bag, in the order they were recorded.

    A picture that can't be read is a candidate with its reason; where the file is damaged, the rest of it is one.
    """
    say = partial(camera.say, AdviceCode.INPUT_TIMES)
    index, time_ns, reason = -1, 0, "the file lists them, but they are not in it"
    with open_bag_file(file) as bag, closing(bag.messages(camera.topic.name, camera.topic.type)) as messages:
        try:
            for index, timed in enumerate(time_messages(messages, camera.clock, say)):
                time_ns = timed.time_ns
                yield _candidate(file, index, time_ns, partial(_decode, timed, camera.levels))
        except FramesError as error:
            reason = str(error)
    if missing := count - index - 1:
        reason = f"{reason} (pictures that are missing from here on: {missing})"
        yield _candidate(file, index + 1, time_ns + camera.clock.step_ns, lambda: reason)


def _candidate(file: BagFile, index: int, time_ns: int, decode: Callable[[], Picture | str]) -> Candidate:
    return Candidate(index, time_ns / 1e9, f"{file.stem}_{index:06d}", decode)


def _decode(timed: TimedMessage, levels: Levels | None) -> Picture | str:
    content = timed.message.content
    return timed.reason or (content if isinstance(content, str) else show_picture(read_stored(content), levels))
