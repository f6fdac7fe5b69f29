"""What files a bag is made of, and in which order they were recorded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ....errors import FramesError

ROS1_SUFFIX = ".bag"
BAG_SUFFIXES = (ROS1_SUFFIX, ".mcap", ".db3")
COMPRESSED = ".zstd"  # a file that rosbag2 compressed as a whole
UNFINISHED = ".active"  # what rosbag names a file while it records, and leaves behind when it is killed
METADATA = "metadata.yaml"
METADATA_KEY = "rosbag2_bagfile_information"


@dataclass(frozen=True)
class BagFile:
    """One file of a bag. `zstd_messages` says that every message in it is compressed by itself."""

    path: Path
    zstd_messages: bool = False

    @property
    def kind(self) -> str:
        """.bag, .mcap or .db3."""
        return _kind(self.path)

    @property
    def stem(self) -> str:
        """The name without what tells the kind."""
        return _without_wrapping(self.path).stem


def _kind(path: Path) -> str:
    return _without_wrapping(path).suffix.lower()


def _without_wrapping(path: Path) -> PurePath:
    """The name that the file had before it was compressed, or would have had at the end of the recording."""
    return PurePath(path.stem if path.suffix.lower() in (COMPRESSED, UNFINISHED) else path.name)


def is_bag(path: Path) -> bool:
    """Whether this is a bag: a file by its name, a folder by what lies in it."""
    if not path.is_dir():
        return _kind(path) in BAG_SUFFIXES
    try:
        return _is_metadata(path / METADATA) or bool(_files_in(path))
    except OSError:
        return False


def _is_metadata(path: Path) -> bool:
    try:
        return METADATA_KEY in path.read_text("utf-8", errors="replace")
    except OSError:
        return False


def _files_in(folder: Path) -> list[Path]:
    """The bags' files in a folder, those with a higher number later."""
    found = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return sorted((path for path in found if _kind(path) in BAG_SUFFIXES), key=lambda path: natural_key(path.name))


def natural_key(name: str) -> list[str | int]:
    """A key that sorts numbers inside names by value: cam2 before cam10."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", name.casefold()))]


def list_files(path: Path) -> list[BagFile]:
    """The bag's files, in order, those that are missing included.

    Raises FramesError where metadata.yaml can't be understood.
    """
    if path.is_file():
        return [BagFile(path)]
    if not _is_metadata(path / METADATA):  # the recorder was killed before it wrote it
        return [BagFile(file) for file in _files_in(path)]
    told = _read_metadata(path / METADATA)
    zstd_messages = str(told.get("compression_mode") or "").lower() == "message"
    return [BagFile(path / PurePath(name).name, zstd_messages) for name in told["relative_file_paths"]]


def _read_metadata(path: Path) -> dict[str, Any]:
    import yaml

    try:
        told: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))[METADATA_KEY]
        if not all(isinstance(name, str) for name in told["relative_file_paths"]):
            raise TypeError("relative_file_paths are no names")
        return told
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise FramesError(
            f"'{path}' cannot be understood ({reason}): write it anew with 'ros2 bag reindex {path.parent}'"
        ) from None
