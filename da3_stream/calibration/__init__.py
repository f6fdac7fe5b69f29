"""Calibrations of cameras as people have them: a line of numbers, or a file of one of the tools that calibrate."""

from .known_camera import KnownCamera
from .reading import read_calibration
from .ros import from_ros

__all__ = ["KnownCamera", "from_ros", "read_calibration"]
