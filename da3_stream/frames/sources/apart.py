"""Many videos: which inputs of runs of their own a name stands for."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from ...errors import FramesError
from .bags.layout import find_bags
from .cards.apart import recordings_apart
from .cards.search import chosen_kind, find_in_folder, is_run
from .images.files import natural_key
from .images.formats import is_image
from .piped import is_piped
from .video.files import VIDEO_SUFFIXES

LIVE = ("rtsp", "rtsps", "rtmp", "rtp", "udp", "tcp", "srt")


def inputs_apart(name: str) -> list[tuple[str, ...]]:
    """The inputs that a name stands for where every video is to be one by itself, each as `open_source` takes it.

    A file, a bag, an address, and a folder or pattern of pictures are one. Of a folder of videos see
    `recordings_apart`; what a pattern of other things matches counts as if it had been named. Raises FramesError with
    one sentence for a name that stands for nothing, for live input, and for a picture by itself.
    """
    require_there(name)
    path = Path(os.path.expanduser(name))
    if "://" in name:
        return [(name,)]
    if path.is_dir():
        return _of_folder(name, path)
    if path.exists():
        if is_image(path):
            raise FramesError(
                f"'{name}' is one picture: give the folder or the quoted pattern of all that belong to it"
            )
        return [(name,)]
    matches = sorted(map(Path, glob.glob(str(path), recursive=True)), key=natural_key)
    if all(map(is_image, matches)):
        return [(name,)]
    return [found for match in matches if not match.name.startswith(".") for found in inputs_apart(str(match))]


def videos_among(names: Sequence[str]) -> list[str]:
    """Those of the names of files that are videos', in the order in which people count."""
    found = [name for name in names if Path(name).suffix.lower() in VIDEO_SUFFIXES]
    return sorted(found, key=lambda name: natural_key(Path(name)))


def _of_folder(name: str, path: Path) -> list[tuple[str, ...]]:
    if is_run(path):
        raise FramesError(f"'{name}' is a run directory, not footage: 'da3-stream info {name}' tells what it holds")
    if find_bags([path]):
        return [(name,)]
    found = chosen_kind(name, find_in_folder(path))
    if found.images:
        return [(name,)]
    return [tuple(map(str, recording)) for recording in recordings_apart(path, found.videos)]


def require_there(name: str) -> None:
    """Raises FramesError with one sentence for a name of no file, folder or pattern that matches, and for live input.
    Addresses are not asked."""
    scheme, address, _ = name.partition("://")
    if address and scheme.lower() not in LIVE:
        return
    if address or is_piped(name):
        raise FramesError(f"'{name}' is live input, which one run alone can read: give files, folders or patterns")
    path = os.path.expanduser(name)
    if os.path.exists(path):
        return
    if not glob.has_magic(path):
        raise FramesError(f"there is no video, image or folder '{name}': check the path")
    if not glob.glob(path, recursive=True):
        raise FramesError(f"no file matches '{name}': check the pattern")
