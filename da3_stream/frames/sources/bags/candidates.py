"""The frames in a file of a bag that can be selected: all in the order they were recorded, or those with some
indices."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from ....errors import FramesError
from ....types import AdviceCode
from ..images.levels import Levels
from ..picture import Picture
from ..recording import Candidate, Seekable
from .camera import BagCamera
from .layout import BagFile
from .pictures import read_stored, show_picture
from .reading import Message, OpenBagFile, open_bag_file
from .stamps import TimedMessage, time_messages

MOST_READ = 8  # messages that are rather read than leapt over


@dataclass(frozen=True, eq=False)
class BagFrames:
    """The pictures of a camera in a file of a bag, which lists so many (`count`).

    A picture that can't be read is a candidate with its reason; where the file is damaged, the rest of it is one.
    """

    file: BagFile
    camera: BagCamera
    count: int

    def candidates(self) -> Generator[tuple[int, Candidate]]:
        """All of them in the order they were recorded, with their nanoseconds."""
        for index, timed in enumerate(self._read_all(partial(self.camera.say, AdviceCode.INPUT_TIMES))):
            yield timed.time_ns, self._candidate(index, timed)

    def seekable(self) -> Seekable | str:
        """The same in any order, or why they can only be read from the beginning. Reads all messages once, as only
        they tell the times."""
        listed = [_without_content(timed) for timed in self._read_all(lambda text: None)]
        logged = [timed.message.logged_ns for timed in listed]
        if logged != sorted(logged):
            return "its messages do not lie in the order in which they were recorded"
        return Seekable(len(listed), partial(self._candidates_at, listed))

    def _read_all(self, say: Callable[[str], None]) -> Iterator[TimedMessage]:
        number, time_ns, logged_ns, reason = 0, 0, 0, "the file lists them, but they are not in it"
        with open_bag_file(self.file) as bag, closing(self._messages(bag)) as messages:
            try:
                for timed in time_messages(messages, self.camera.clock, say):
                    number += 1
                    time_ns, logged_ns = timed.time_ns, timed.message.logged_ns
                    yield timed
            except FramesError as error:
                reason = str(error)
        if missing := self.count - number:
            reason = f"{reason} (pictures that are missing from here on: {missing})"
            yield TimedMessage(time_ns + self.camera.clock.step_ns, Message(logged_ns, reason), reason)

    def _candidates_at(self, listed: Sequence[TimedMessage], indices: Sequence[int]) -> Generator[Candidate]:
        with open_bag_file(self.file) as bag:
            messages, following = self._messages(bag), 0
            for index in indices:
                timed = listed[index]
                if not timed.reason:
                    if not following <= index <= following + MOST_READ:
                        messages.close()
                        messages, following = self._seek(bag, listed, index)
                    message = next(message for number, message in enumerate(messages, following) if number == index)
                    following = index + 1
                    timed = TimedMessage(timed.time_ns, message)
                yield self._candidate(index, timed)
            messages.close()

    def _seek(self, bag: OpenBagFile, listed: Sequence[TimedMessage], index: int) -> tuple[Generator[Message], int]:
        """The messages from one on that is not later than an index, and its own: several may have been recorded at
        once."""
        logged_ns = listed[index].message.logged_ns
        while index and listed[index - 1].message.logged_ns == logged_ns:
            index -= 1
        return self._messages(bag, logged_ns), index

    def _messages(self, bag: OpenBagFile, start_ns: int | None = None) -> Generator[Message]:
        return bag.messages(self.camera.topic.name, self.camera.topic.type, start_ns)

    def _candidate(self, index: int, timed: TimedMessage) -> Candidate:
        decode = partial(_decode, timed, self.camera.levels)
        return Candidate(index, timed.time_ns / 1e9, f"{self.file.stem}_{index:06d}", decode)


def _without_content(timed: TimedMessage) -> TimedMessage:
    return TimedMessage(timed.time_ns, Message(timed.message.logged_ns, ""), timed.reason)


def _decode(timed: TimedMessage, levels: Levels | None) -> Picture | str:
    content = timed.message.content
    return timed.reason or (content if isinstance(content, str) else show_picture(read_stored(content), levels))
