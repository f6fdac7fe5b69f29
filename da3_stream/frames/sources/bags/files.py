"""Frames of the camera that a bag recorded: each of the bag's files is a recording, and they follow one another."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from math import ceil
from pathlib import Path
from typing import Any

from ....errors import FramesError
from ....settings import FramesSettings
from ....types import Advice, AdviceCode
from ..chain import LeftOutFile, Link
from ..images.levels import MOST_PICTURES, Levels, levels_of
from ..images.stored_picture import StoredPicture
from ..picture import Picture
from ..recording import Candidate, Recording
from ..source import LAST_INDEX, FrameSource
from .layout import BagFile
from .pictures import read_stored, show_picture
from .reading import open_bag_file
from .stamps import BagClock, TimedMessage, choose_clock, time_messages
from .survey import Survey, survey
from .topics import PictureTopic, choose_topic, describe


@dataclass(frozen=True, eq=False)
class BagCamera:
    """The camera whose pictures are the frames: its topic, its clock, and what is to be said of them, which grows while
    pictures are read."""

    topic: PictureTopic
    clock: BagClock
    levels: Levels | None = None  # of pictures of more than 8 bits
    advice: list[Advice] = field(default_factory=list)

    def say(self, code: AdviceCode, text: str) -> None:
        """Let the run tell something, once."""
        advice = Advice(code, text, 0, LAST_INDEX)
        if advice not in self.advice:
            self.advice.append(advice)


def open_bag(path: Path, settings: FramesSettings, image_side: int | None) -> FrameSource:
    """The frames of a bag's camera, with the times of their headers. Raises FramesError with one sentence if there are
    none."""
    found = survey(path)
    camera = _find_camera(path, found, settings)
    counts = found.counts[camera.topic.name, camera.topic.type]
    links = [Link(_recording(file, camera, count), begins_shot=False, offset_s=0.0) for file, count in counts.items()]
    left_out = [LeftOutFile(str(file), reason) for file, reason in found.unread]
    source = FrameSource.of(links, settings, image_side, str(path), left_out)
    source.advice = camera.advice
    return source


def _find_camera(path: Path, found: Survey, settings: FramesSettings) -> BagCamera:
    topic = choose_topic(str(path), found.pictures, found.types, settings.topic)
    clock, about_times = choose_clock(found.beginnings[topic.name, topic.type].times, settings.default_fps)
    camera = BagCamera(topic, clock, _measure_levels(topic, list(found.counts[topic.name, topic.type])))
    camera.say(AdviceCode.INPUT_FILES, _about_topics(topic, found))
    for _, reason in found.unread:
        camera.say(AdviceCode.INPUT_FILES, f"a file of the bag is left out: {reason}")
    if about_times:
        camera.say(AdviceCode.INPUT_TIMES, about_times)
    if camera.levels is not None and not camera.levels.is_usual:
        camera.say(AdviceCode.INPUT_PIXELS, str(camera.levels))
    return camera


def _measure_levels(topic: PictureTopic, files: Sequence[BagFile]) -> Levels | None:
    """What becomes black and white, from pictures all over the bag; None where its first one has 8 bits."""
    with closing(_spaced_contents(topic, files)) as contents:
        pictures = (read_stored(content) for content in contents)
        first = next((picture for picture in pictures if isinstance(picture, StoredPicture)), None)
        if first is None or not first.is_deep:
            return None
        return levels_of(chain([first], pictures), first.values.dtype.name)


def _spaced_contents(topic: PictureTopic, files: Sequence[BagFile]) -> Generator[Any]:
    for file in files:
        with open_bag_file(file) as bag, suppress(FramesError):  # where it is damaged, reading tells
            for message in bag.spaced_messages(topic.name, topic.type, ceil(MOST_PICTURES / len(files))):
                yield from () if isinstance(message.content, str) else (message.content,)


def _about_topics(topic: PictureTopic, found: Survey) -> str:
    others = [describe(other) for other in found.pictures if other.name != topic.name]
    also = f"; also there: {', '.join(others)} (--topic NAME chooses)" if others else ""
    return f"the frames are the {topic.count} pictures of topic {topic.name}{also}"


def _recording(file: BagFile, camera: BagCamera, count: int) -> Recording:
    candidates = partial(_candidates, file, camera, count)
    levels = camera.levels
    return Recording(
        str(file.path),
        "bag",
        candidates,
        count,
        camera.clock.rate,
        camera.clock.kind != "rate",
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
