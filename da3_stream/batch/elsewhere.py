"""A batch whose videos are elsewhere, or whose runs go there."""

from __future__ import annotations

from ..frames import videos_among
from ..remote_files import find_remote


def remote_inputs_apart(address: str) -> list[tuple[str, ...]]:
    """The inputs that an address stands for where every video is to be one by itself: each video of a folder or
    pattern, told by its name; a folder or pattern without any, such as one of pictures, is one input.

    Nothing is fetched for it, so chapters and cameras of a card are not put together. Raises RemoteFilesError where
    there is nothing.
    """
    files = find_remote(address)
    videos = videos_among([file.address for file in files])
    return [(video,) for video in videos] or [(address,)]


def remote_bytes(address: str) -> int:
    """What a copy of an input takes of the disk. Raises RemoteFilesError where there is nothing."""
    return sum(file.size for file in find_remote(address))
