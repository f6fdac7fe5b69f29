"""Reading the files of bags: their topics, their messages in the order they came, and a sentence where that fails.

MCAP and SQLite files of ROS 2, and files of ROS 1 (version 2.0), by the library rosbags. A message is deserialized by
the definition that its file holds, else by the standard one: those of sensor_msgs never changed.
"""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from functools import lru_cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from textwrap import shorten
from typing import Any

from ....errors import FramesError
from .layout import COMPRESSED, ROS1_SUFFIX, BagFile

IDL_SEPARATOR = "=" * 80 + "\n"
REPAIRS = {".mcap": "'mcap recover {}'", ".db3": "sqlite3's .recover", ROS1_SUFFIX: "'rosbag reindex {}'"}


@dataclass(frozen=True, eq=False)
class Topic:
    """A topic with messages of one type, such as "sensor_msgs/msg/Image"."""

    name: str
    type: str
    count: int
    connections: Sequence[Any] = ()  # of rosbags


@dataclass(frozen=True, eq=False)
class Message:
    """A message: when it was recorded, in nanoseconds, and its content, or the reason why that can't be read."""

    logged_ns: int
    content: Any | str


class OpenBagFile:
    """A file of a bag while it is open."""

    def __init__(self, file: BagFile, reader: Any) -> None:
        self.file = file
        self._reader = reader
        self.topics = _topics(reader.connections)
        self.span_ns = (int(reader.start_time), int(reader.end_time))  # from the first message to behind the last

    def messages(self, name: str, kind: str, start_ns: int | None = None) -> Generator[Message]:
        """All messages of a topic and a type, recorded at `start_ns` or later. Raises FramesError where the file is
        damaged."""
        topic = next((one for one in self.topics if (one.name, one.type) == (name, kind)), None)
        if topic is None:  # without connections, rosbags would give the messages of all topics
            return
        store = _typestore(self.file, topic)
        deserialize = store.deserialize_ros1 if self.file.kind == ROS1_SUFFIX else store.deserialize_cdr
        for logged_ns, data in self._raw(topic, start_ns):
            try:
                message = Message(logged_ns, deserialize(data, topic.type))
            except Exception as error:  # rosbags lets through what numpy and struct raise on damaged bytes
                message = Message(logged_ns, f"its message cannot be read ({_reason(error)})")
            yield message

    def spaced_messages(self, name: str, kind: str, most: int) -> Iterator[Message]:
        """At most so many messages of a topic, evenly spaced over the time of the file."""
        begin, end = self.span_ns
        for start_ns in sorted({begin + i * (end - begin) // most for i in range(most)}):
            with closing(self.messages(name, kind, start_ns)) as messages:
                yield from islice(messages, 1)

    def _raw(self, topic: Topic, start_ns: int | None) -> Iterator[tuple[int, bytes]]:
        messages = self._reader.messages(connections=list(topic.connections), start=start_ns)
        while True:
            try:
                _, logged_ns, data = next(messages)
                raw = _zstd().decompress(data) if self.file.zstd_messages else data
            except StopIteration:
                return
            except Exception as error:  # as above, and what decompressors raise
                raise FramesError(_why_unreadable(self.file.path, error)) from None
            yield logged_ns, raw


@contextmanager
def open_bag_file(file: BagFile) -> Iterator[OpenBagFile]:
    """Open a bag's file. Raises FramesError with one sentence where it can't be read."""
    _refuse_unmerged(file.path)
    with _readable(file.path) as path:
        try:
            reader = _make_reader(path, file.kind)
            reader.open()
        except Exception as error:  # rosbags lets through KeyError, AssertionError and others on damaged bytes
            raise FramesError(_why_unreadable(file.path, error)) from None
        try:
            if reader.message_count and not reader.connections:
                raise FramesError(f"the summary of '{file.path}' lists no topics: write it anew with 'mcap recover'")
            yield OpenBagFile(file, reader)
        finally:
            reader.close()


@contextmanager
def _readable(path: Path) -> Iterator[Path]:
    """A path at which rosbags can read the file, as long as the context lives.

    That is another one for a file that was compressed as a whole, and for names that mean something else in the address
    that rosbags makes of them for SQLite.
    """
    is_compressed = path.suffix.lower() == COMPRESSED
    if not is_compressed and not any(sign in str(path) for sign in "?#%"):
        yield path
        return
    with TemporaryDirectory(prefix="da3_stream_bag_") as folder:
        target = Path(folder, f"bag{BagFile(path).kind}")
        try:
            _decompress_file(path, target) if is_compressed else target.symlink_to(path.absolute())
        except Exception as error:
            raise FramesError(_why_unreadable(path, error)) from None
        yield target


def _decompress_file(path: Path, target: Path) -> None:
    with _zstd().open(path, "rb") as compressed, target.open("wb") as file:
        shutil.copyfileobj(compressed, file)


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def _make_reader(path: Path, kind: str) -> Any:
    from rosbags import rosbag1, rosbag2

    return rosbag1.Reader(path) if kind == ROS1_SUFFIX else rosbag2.Reader(path)


def _topics(connections: Sequence[Any]) -> list[Topic]:
    """Topics that have messages, by name; a topic with messages of two types is two."""
    found = defaultdict(list)
    for connection in connections:
        if connection.msgcount:
            found[connection.topic, _full_name(connection.msgtype)].append(connection)
    return [
        Topic(name, kind, sum(connection.msgcount for connection in same), same)
        for (name, kind), same in sorted(found.items())
    ]


def _full_name(kind: str) -> str:
    """The name of a type as ROS 2 has it: some writers leave "msg" out, as ROS 1 does."""
    package, _, name = kind.partition("/")
    return f"{package}/msg/{name}" if name and "/" not in name else kind


def _typestore(file: BagFile, topic: Topic) -> Any:
    """What deserializes the topic's messages. Raises FramesError where the file's definition can't be understood."""
    definition = topic.connections[0].msgdef
    try:
        return _make_typestore(definition.format.name, definition.data, topic.type, file.kind == ROS1_SUFFIX)
    except Exception as error:  # rosbags' parser lets through what its own checks miss
        raise FramesError(
            f"'{file.path}' describes the messages of {topic.name} ({topic.type}) in a way that cannot be understood "
            f"({_reason(error)}): convert it with rosbags-convert"
        ) from None


@lru_cache(maxsize=16)
def _make_typestore(language: str, text: str, name: str, is_ros1: bool) -> Any:
    """Of the type of that name, defined by a text in ROS's message language (MSG) or OMG's (IDL, several after lines of
    "=====" each), or by the standard (NONE). It compiles the code that deserializes, once for each."""
    from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

    if language == "NONE":
        return get_typestore(Stores.ROS1_NOETIC if is_ros1 else Stores.LATEST)
    store = get_typestore(Stores.EMPTY)
    if language == "MSG":
        store.register(get_types_from_msg(text, name))
        return store
    types: dict[str, Any] = {}
    for part in filter(str.strip, text.split(IDL_SEPARATOR)):
        types.update(get_types_from_idl(part.partition("\n")[2] if part.startswith("IDL: ") else part))
    store.register(types)
    return store


def _refuse_unmerged(path: Path) -> None:
    """Raises FramesError for an SQLite file beside which messages lie that a reader of the file alone would miss."""
    for log in (Path(f"{path}-wal"), Path(f"{path}-journal")):
        if log.is_file() and log.stat().st_size:
            raise FramesError(
                f"'{path}' was not closed when it was recorded, and part of it is still in '{log.name}': merge them "
                f"with: sqlite3 '{path}' 'PRAGMA wal_checkpoint(TRUNCATE)'"
            )


def _why_unreadable(path: Path, error: Exception) -> str:
    reason = _reason(error)
    if not path.exists():
        return f"'{path}' is missing: copy all files of the bag"
    if isinstance(error, PermissionError) or "Permission denied" in reason:
        return f"the bag '{path}' cannot be opened (Permission denied): check its permissions"
    if isinstance(error, OSError) and error.errno == ENOSPC:
        return f"'{path}' is compressed, and there is no room for its content in '{gettempdir()}': set TMPDIR"
    if path.stat().st_size == 0:
        return f"'{path}' is empty (0 bytes): copy or record it again"
    if "not indexed" in reason:
        return f"'{path}' was not closed when it was recorded and has no index: repair it with 'rosbag reindex {path}'"
    if "not ros2" in reason:
        return f"'{path}' is an MCAP file of something other than ROS 2: convert it to a bag of ROS 2 or ROS 1"
    repair = REPAIRS.get(path.suffix.lower())
    hint = f", or repair it with {repair.format(path)}" if repair else ""
    return f"'{path}' is not a bag that can be read, or was cut off ({reason}): copy it again{hint}"


def _reason(error: Exception) -> str:
    """What an error of rosbags says, in one short line."""
    return shorten(str(error).rstrip("."), 160) or type(error).__name__
