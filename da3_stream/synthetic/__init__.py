"""A procedural town (or room) rendered with exact ground truth: depth, poses, intrinsics.

The demo, the tests and the long benchmarks run on it. From the ground up: `paths` (where the camera goes), `materials`
(textures), `scenes` (geometry), `rendering` (images), `town` (a sequence of frames), `write` (a video with its truth).
"""

from .paths import CameraPath
from .rendering.effects import Effects
from .town import Town, TownFrame, make_town
from .write import write_town

__all__ = ["CameraPath", "Effects", "Town", "TownFrame", "make_town", "write_town"]
