"""What files a bag is made of, and in which order they were recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ....errors import FramesError
from ..images.formats import is_image
from ..video.files import VIDEO_SUFFIXES

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


def find_bags(paths: Sequence[Path]) -> list[Path]:
    """The paths, if each is a bag (or its metadata.yaml); of a folder that holds nothing but bags, those. None in all
    other cases."""
    paths = [path.parent if path.name == METADATA and _is_metadata(path) else path for path in paths]
    if paths and all(map(_is_bag, paths)):
        return list(paths)
    if len(paths) != 1 or not paths[0].is_dir():
        return []
    try:
        inside = list(paths[0].iterdir())
    except OSError:
        return []
    if any(path.suffix.lower() in VIDEO_SUFFIXES or is_image(path) for path in inside):
        return []
    return sorted(filter(_is_bag, inside), key=lambda path: natural_key(path.name))


def _is_bag(path: Path) -> bool:
    """Whether this is a bag: a file by its name, a folder by its metadata.yaml."""
    return _is_metadata(path / METADATA) if path.is_dir() else _kind(path) in BAG_SUFFIXES and path.is_file()


def _is_metadata(path: Path) -> bool:
    try:
        return METADATA_KEY in path.read_text("utf-8", errors="replace")
    except OSError:
        return False


def natural_key(name: str) -> list[str | int]:
    """A key that sorts numbers inside names by value: cam2 before cam10."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", name.casefold()))]


def list_files(bag: Path) -> list[BagFile]:
    """A bag's files, in order, those that are missing included.

    Raises FramesError where metadata.yaml can't be understood.
    """
    if bag.is_file():
        return [BagFile(bag)]
    told = _read_metadata(bag / METADATA)
    zstd_messages = str(told.get("compression_mode") or "").lower() == "message"
    return [BagFile(bag / PurePath(name).name, zstd_messages) for name in told["relative_file_paths"]]


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
