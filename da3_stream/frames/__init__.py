"""Frames from videos, images and arrays: `open_source` gives them, `read_ahead` reads them in a thread."""

from .ahead import read_ahead
from .opening import open_source
from .source import FrameSource

__all__ = ["FrameSource", "open_source", "read_ahead"]
