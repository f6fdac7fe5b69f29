"""The camera of a bag: whose pictures are the frames, by which clock, with which calibration."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from math import ceil
from typing import Any

from ....calibration import KnownCamera
from ....errors import FramesError
from ....settings import FramesSettings
from ....types import Advice, AdviceCode
from ..images.levels import MOST_PICTURES, Levels, levels_of
from ..images.stored_picture import StoredPicture
from ..source import LAST_INDEX
from .camera_info import find_calibration
from .layout import BagFile
from .pictures import read_stored
from .reading import open_bag_file
from .stamps import BagClock, Times, choose_clock
from .survey import Survey
from .topics import PictureTopic, choose_topic, describe


@dataclass(frozen=True, eq=False)
class BagCamera:
    """The camera whose pictures are the frames: its topic, its clock (`ahead_ns` of the bag's when it began), its
    calibration, the levels of pictures of more than 8 bits, and what is to be said of them, which grows while pictures
    are read."""

    topic: PictureTopic
    clock: BagClock
    ahead_ns: int
    calibration: KnownCamera | None = None
    levels: Levels | None = None
    advice: list[Advice] = field(default_factory=list)

    def say(self, code: AdviceCode, text: str) -> None:
        """Let the run tell something, once; "" is nothing."""
        advice = Advice(code, text, 0, LAST_INDEX)
        if text and advice not in self.advice:
            self.advice.append(advice)


def find_camera(bag: str, found: Survey, settings: FramesSettings) -> BagCamera:
    """The camera on the topic of the settings, else the main one. Raises FramesError where the bag has none."""
    topic = choose_topic(bag, found.pictures, found.types, settings.topic)
    begins = found.beginnings[topic.name, topic.type]
    clock, about_clock = choose_clock(begins.times, settings.default_fps)
    first, levels = _look_at(topic, found.files(topic))
    calibration, about_calibration = None, ""
    if first is not None:
        size = first.values.shape[1], first.values.shape[0]
        calibration, about_calibration = find_calibration(topic.name, begins.frame_id, size, found.calibrations)
    camera = BagCamera(topic, clock, _ahead_ns(begins.times, clock), calibration, levels)
    camera.say(AdviceCode.INPUT_FILES, _about_topics(topic, found))
    for _, reason in found.unread:
        camera.say(AdviceCode.INPUT_FILES, f"a file of the bag is left out: {reason}")
    camera.say(AdviceCode.INPUT_TIMES, about_clock)
    camera.say(AdviceCode.INPUT_CAMERA, about_calibration)
    camera.say(AdviceCode.INPUT_PIXELS, "" if levels is None or levels.is_usual else str(levels))
    return camera


def _ahead_ns(first: Sequence[Times], clock: BagClock) -> int:
    """By how much the clock was ahead of the bag's at the first picture whose header can be read."""
    return next((told - times.logged_ns for times in first if (told := clock.told_ns(times)) is not None), 0)


def _about_topics(topic: PictureTopic, found: Survey) -> str:
    others = [describe(other) for other in found.pictures if other.name != topic.name]
    also = f"; also there: {', '.join(others)} (--topic NAME chooses)" if others else ""
    return f"the frames are the {topic.count} pictures of topic {topic.name}{also}"


def _look_at(topic: PictureTopic, files: Sequence[BagFile]) -> tuple[StoredPicture | None, Levels | None]:
    """The first picture that can be had, and, where it has more than 8 bits, what becomes black and white, from
    pictures all over the bag."""
    with closing(_spaced_contents(topic, files)) as contents:
        pictures = (read_stored(content) for content in contents)
        first = next((picture for picture in pictures if isinstance(picture, StoredPicture)), None)
        if first is None or not first.is_deep:
            return first, None
        return first, levels_of(chain([first], pictures), first.values.dtype.name)


def _spaced_contents(topic: PictureTopic, files: Sequence[BagFile]) -> Generator[Any]:
    for file in files:
        with open_bag_file(file) as bag, suppress(FramesError):  # where it is damaged, reading tells
            for message in bag.spaced_messages(topic.name, topic.type, ceil(MOST_PICTURES / len(files))):
                yield from () if isinstance(message.content, str) else (message.content,)
