"""Binary glTF (GLB): one writer for scenes, meshes and the contents of 3D Tiles, in bounded memory.

Khronos Group, "glTF 2.0 specification" (2021). The JSON and the binary chunk are written here, since the libraries that
could do it hold the whole file in memory, and trimesh 5.2 writes sRGB colours where the standard has linear ones, black
where a mesh has a material as well, and a camera's aspect ratio as a ratio of angles.
"""

from .accessors import INDEX
from .builder import GltfBuilder
from .cameras import Lens, add_flight, camera_places, key_times
from .colours import linear_from_srgb
from .scene import GltfScene
from .shapes import TRIANGLES, PointStream, add_lines, write_points_glb

__all__ = [
    "INDEX",
    "TRIANGLES",
    "GltfBuilder",
    "GltfScene",
    "Lens",
    "PointStream",
    "add_flight",
    "add_lines",
    "camera_places",
    "key_times",
    "linear_from_srgb",
    "write_points_glb",
]
