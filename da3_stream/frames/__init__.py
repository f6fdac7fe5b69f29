"""Frames from videos, images, arrays, cameras and network streams.

`open_source` opens an input, `prefetch` reads its frames ahead in a thread, and a `Gate` leaves out the frames that add
nothing to a reconstruction or harm it.
"""

from .gate.gate import Gate, GatedFrames, GateMode, make_gate
from .prefetch import prefetch
from .sources.opening import open_source
from .sources.source import FrameSource

__all__ = ["FrameSource", "Gate", "GateMode", "GatedFrames", "make_gate", "open_source", "prefetch"]
