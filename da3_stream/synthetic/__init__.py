"""A procedural town with exact ground truth: the demo, the tests, the hour-long benchmarks."""

from .paths import CameraPath
from .town import Effects, Town, TownFrame, make_town
from .write import write_town

__all__ = ["CameraPath", "Effects", "Town", "TownFrame", "make_town", "write_town"]
