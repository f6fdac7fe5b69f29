"""Paths of cameras through a scene, for videos: along the cameras that saw it, and around one of them.

Transforms are `world_from_camera` with OpenCV axes (x right, y down, z forward). Names and numbers of pictures follow
Depth Anything 3's videos of Gaussians; how they move does not (docs/outputs.md tells where).
"""

from .choice import PATHS, PathName, camera_path, usual_length
from .path import CameraPath

__all__ = ["PATHS", "CameraPath", "PathName", "camera_path", "usual_length"]
