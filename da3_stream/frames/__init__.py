"""Frames from videos, images, arrays, cameras and network streams.

`open_source` opens an input (`read_picture` a single image file; `inputs_apart` tells several videos apart, `describe`
what opens one again elsewhere), `prefetch` reads its frames ahead in a thread, `MaskedFrames` tells what goes with the
camera in each (`Frame.mask`), and a `Gate` leaves out the frames that add nothing to a reconstruction or harm it.
"""

from .gate.gate import Gate, GatedFrames, GateMode, make_gate
from .listing import listing, listing_text
from .prefetch import prefetch
from .sources.apart import inputs_apart, require_there, videos_among
from .sources.images.files import read_picture
from .sources.opening import open_source
from .sources.reopening import SourceDescription, describe, shared_frames
from .sources.source import FrameSource
from .static_mask.stage import AHEAD, MaskedFrames

__all__ = [
    "AHEAD",
    "FrameSource",
    "Gate",
    "GateMode",
    "GatedFrames",
    "MaskedFrames",
    "SourceDescription",
    "describe",
    "inputs_apart",
    "listing",
    "listing_text",
    "make_gate",
    "open_source",
    "prefetch",
    "read_picture",
    "shared_frames",
    "require_there",
    "videos_among",
]
