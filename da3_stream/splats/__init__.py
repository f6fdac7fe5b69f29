"""The Gaussian splats of a run: which are kept of a window, how they lie on the disk, and all of them in the world."""

from .files import count_splats, has_splats, read_packed, read_splats, splats_degree, write_splats
from .initial import initial_splats
from .packing import bytes_each
from .seen_through import BetterViews
from .window import window_splats
from .world import frame_splats, world_splats

__all__ = [
    "BetterViews",
    "bytes_each",
    "count_splats",
    "frame_splats",
    "has_splats",
    "initial_splats",
    "read_packed",
    "read_splats",
    "splats_degree",
    "window_splats",
    "world_splats",
    "write_splats",
]
