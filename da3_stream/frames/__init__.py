"""Frames from videos, images and arrays: `open_source` gives them, `read_ahead` reads them in a thread, and a
`Gate` leaves out those that add nothing."""

from .gate.gate import Gate, GatedFrames, GateMode, make_gate
from .prefetch import prefetch
from .sources.opening import open_source
from .sources.source import FrameSource

__all__ = ["FrameSource", "Gate", "GateMode", "GatedFrames", "make_gate", "open_source", "prefetch"]
