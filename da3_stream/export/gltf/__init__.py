"""Binary glTF (GLB): one writer for scenes, meshes and the contents of 3D Tiles, in bounded memory.

Khronos Group, "glTF 2.0 specification" (2021). The JSON and the binary chunk are written here, since the libraries that
could do it hold the whole file in memory, and trimesh 5.2 writes sRGB colours where the standard has linear ones, black
where a mesh has a material as well, and a camera's aspect ratio as a ratio of angles.
"""

from .builder import GltfBuilder
from .colours import linear_from_srgb
from .shapes import PointStream, write_points_glb

__all__ = ["GltfBuilder", "PointStream", "linear_from_srgb", "write_points_glb"]
