"""Calibrations of cameras as people have them: a line of numbers, or a file of one of the tools that calibrate."""

from .known_camera import KnownCamera
from .pictures.given import GivenCameras, PictureCamera
from .pictures.reading import read_cameras
from .reading import read_calibration
from .ros import from_ros

__all__ = ["GivenCameras", "KnownCamera", "PictureCamera", "from_ros", "read_calibration", "read_cameras"]
