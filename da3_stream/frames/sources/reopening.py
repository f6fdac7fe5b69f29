"""An input of files as another process, perhaps on another machine, opens it again."""

from __future__ import annotations

import glob
import os
import socket
from dataclasses import dataclass

from ...errors import FramesError
from ...settings import CameraSettings, FramesSettings
from ...settings.masks import WORDS, words_of
from .opening import open_source
from .source import FrameSource
from .times.retiming import list_of_times


@dataclass(frozen=True)
class SourceDescription:
    """What opens a source again: absolute paths, the settings it was opened with, and the `digest` that tells whether
    it is the same input. It can be pickled."""

    paths: tuple[str, ...]
    settings: FramesSettings
    camera: CameraSettings
    image_side: int | None
    as_stored: bool
    digest: str

    def open(self) -> FrameSource:
        """The same source. Raises FramesError with one sentence where this machine does not see its files, or other
        ones."""
        host = socket.gethostname()
        missing = next((path for path in self.paths if not _is_there(path)), None)
        if missing is not None:
            raise FramesError(f"{host} does not see '{missing}': put it where all machines see it by the same path")
        paths = list(self.paths)
        source = open_source(paths[0] if len(paths) == 1 else paths, self.settings, self.image_side, self.camera)
        if source.digest != self.digest:
            raise FramesError(f"'{paths[0]}' is another input on {host} (digest {source.digest}, not {self.digest})")
        return source.as_stored() if self.as_stored else source


def describe(source: FrameSource) -> SourceDescription:
    """What opens a source of files again; files that were copied here from elsewhere, where the copies are. Raises
    FramesError for any other: its frames come once."""
    if not source.paths:
        raise FramesError(f"'{source.name}' cannot be opened again: it is not made of files")
    paths = source.paths if source.copied is None else tuple(map(os.path.abspath, source.copied.names))
    settings, camera = source.settings, source.told_of_camera
    if (times := list_of_times(settings)) is not None:
        settings = settings.model_copy(update={"times": os.path.abspath(times)})
    masks = tuple(
        word if word in WORDS else os.path.abspath(os.path.expanduser(word)) for word in words_of(camera.mask)
    )
    camera = camera.model_copy(update={"mask": masks})
    as_stored = source.camera.is_straightened and source.undistort is None
    return SourceDescription(paths, settings, camera, source.image_side, as_stored, source.digest)


def shared_frames(source: FrameSource) -> SourceDescription:
    """The same for processes that read frames in any order. Raises FramesError where that is impossible."""
    if source.why_not_seekable:
        raise FramesError(source.why_not_seekable)
    return describe(source)


def _is_there(path: str) -> bool:
    return os.path.exists(path) or bool(glob.has_magic(path) and glob.glob(path, recursive=True))


def _absolute(mask: str) -> str:
    return mask if mask in WORDS else os.path.abspath(os.path.expanduser(mask))
