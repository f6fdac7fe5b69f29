"""Looking through a bag before its pictures are read: which topics are in which of its files, and how they begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ....errors import FramesError
from .layout import BagFile, list_files
from .reading import Message, OpenBagFile, Topic, open_bag_file
from .stamps import Times, read_times
from .topics import CAMERA_INFO, COMPRESSED, RAW, PictureTopic, info_names

SAMPLE = 10  # pictures of a topic that tell its encoding and its clock


@dataclass(frozen=True)
class Beginning:
    """Of the first pictures of a topic: their times, and what the first says of its pixels and its camera."""

    times: tuple[Times, ...]
    encoding: str
    frame_id: str


@dataclass(eq=False)
class Survey:
    """What was found in bags. `spans_ns` tells when each file begins and ends, by the bag's clock; `counts` are the
    messages of each (topic, type) in each file."""

    spans_ns: dict[BagFile, tuple[int, int]] = field(default_factory=dict)
    unread: list[tuple[Path, str]] = field(default_factory=list)  # files that can't be read, and why
    counts: dict[tuple[str, str], dict[BagFile, int]] = field(default_factory=dict)
    beginnings: dict[tuple[str, str], Beginning] = field(default_factory=dict)
    calibrations: dict[str, Any] = field(default_factory=dict)  # the first sensor_msgs/CameraInfo by its topic

    @property
    def types(self) -> dict[str, str]:
        """The type of each topic's messages."""
        return dict(sorted(self.counts))

    @property
    def pictures(self) -> list[PictureTopic]:
        """The topics with pictures, by name."""
        return [
            PictureTopic(
                name, kind, sum(self.counts[name, kind].values()), begins.encoding, self._has_calibration(name)
            )
            for (name, kind), begins in sorted(self.beginnings.items())
        ]

    def files(self, topic: PictureTopic) -> list[BagFile]:
        """The files with messages of a topic, in the order they were recorded."""
        return [file for file in self.spans_ns if file in self.counts[topic.name, topic.type]]

    def _has_calibration(self, topic: str) -> bool:
        return any(name in self.calibrations for name in info_names(topic))


def survey(name: str, bags: Sequence[Path]) -> Survey:
    """Look through all files of bags, in the order they were recorded.

    Raises FramesError with one sentence where none can be read.
    """
    found = Survey()
    for file in [file for bag in bags for file in list_files(bag)]:
        try:
            with open_bag_file(file) as opened:
                _add(found, opened)
        except FramesError as error:
            found.unread.append((file.path, str(error)))
    if not found.spans_ns:
        raise FramesError(found.unread[0][1] if found.unread else f"the bag '{name}' has no files: copy all of it")
    found.spans_ns = dict(sorted(found.spans_ns.items(), key=lambda entry: entry[1]))
    return found


def _add(found: Survey, opened: OpenBagFile) -> None:
    found.spans_ns[opened.file] = opened.span_ns
    for topic in opened.topics:
        key = topic.name, topic.type
        found.counts.setdefault(key, {})[opened.file] = topic.count
        if topic.type in (RAW, COMPRESSED) and key not in found.beginnings:
            found.beginnings[key] = _begin(_first(opened, topic, SAMPLE))
        if topic.type == CAMERA_INFO and topic.name not in found.calibrations:
            contents = (message.content for message in _first(opened, topic, 1))
            found.calibrations.update((topic.name, content) for content in contents if not isinstance(content, str))


def _first(opened: OpenBagFile, topic: Topic, count: int) -> Iterator[Message]:
    """The topic's first messages, up to where the file is damaged (which is told when its pictures are read)."""
    with closing(opened.messages(topic.name, topic.type)) as messages, suppress(FramesError):
        yield from islice(messages, count)


def _begin(messages: Iterator[Message]) -> Beginning:
    times, encoding, frame_id = [], "", ""
    for message in messages:
        times.append(read_times(message))
        if not isinstance(message.content, str):
            encoding, frame_id = encoding or _encoding(message.content), message.content.header.frame_id
    return Beginning(tuple(times), encoding, frame_id)


def _encoding(content: Any) -> str:
    """What a picture says of its pixels."""
    return str(content.encoding if hasattr(content, "encoding") else content.format).strip()
