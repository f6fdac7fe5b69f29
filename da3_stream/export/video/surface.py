"""The surface of a run as a film shows it: the mesh that `mesh` writes, looked at by rays."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...geometry import homogeneous, pixel_centres
from ...store import RunReader
from ...types import Float64, UInt8
from ..mesh.tsdf import export_mesh, import_open3d
from ..options import FlythroughOptions, MeshOptions
from ..progress import Progress
from .flight import Flight

if TYPE_CHECKING:
    from ...rendering import Rendering


@dataclass(frozen=True, eq=False)
class SceneSurface:
    """Triangles in the world, less `origin`, and what rays meet them."""

    open3d: Any
    rays: Any  # open3d's scene
    triangles: NDArray[np.int64]  # [T,3]
    rgb: UInt8  # [V,3]
    origin: Float64  # [3]

    @property
    def text(self) -> str:
        """What is shown, for people."""
        return f"{len(self.triangles):,} triangles"

    def draw(self, camera_from_world: Float64, k: Float64, size: tuple[int, int]) -> Rendering:
        """The surface as a camera sees it, a ray a pixel."""
        from ...rendering import Rendering

        turn = camera_from_world[:3, :3]
        centre = -turn.T @ camera_from_world[:3, 3] - self.origin
        pixels = homogeneous(pixel_centres(size[1], size[0]).reshape(-1, 2)) @ np.linalg.inv(k).T
        ahead = pixels @ turn  # of z = 1 in the camera, so that a ray's length is depth
        asked = np.hstack([np.broadcast_to(centre, ahead.shape), ahead]).astype(np.float32)
        found = self.rays.cast_rays(self.open3d.core.Tensor(asked))
        depth, hit, uv = (found[name].numpy() for name in ("t_hit", "primitive_ids", "primitive_uvs"))
        there = np.isfinite(depth)
        weights = np.stack([1 - uv[there].sum(axis=1), *uv[there].T], axis=1)
        colour = np.zeros((len(depth), 3), np.float32)
        colour[there] = np.einsum("nc,ncd->nd", weights, self.rgb[self.triangles[hit[there]]] / np.float32(255))
        shape = size[::-1]
        return Rendering(
            colour.reshape(*shape, 3),
            np.where(there, depth, 0).astype(np.float32).reshape(shape),
            there.astype(np.float32).reshape(shape),
        )


def read_surface(
    reader: RunReader, folder: Path, options: FlythroughOptions, flight: Flight, progress: Progress
) -> SceneSurface:
    """The mesh of the segment that is flown through. Temporary files are in `folder`.

    Raises ExportError where open3d is not installed, or no surface is left.
    """
    open3d = import_open3d()
    asked = MeshOptions(frames=options.frames, axes="world", min_triangles=100)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        file = Path(place) / "mesh.ply"
        export_mesh(_of_segment(reader, flight.segment), file, asked, progress)
        mesh = open3d.io.read_triangle_mesh(str(file))
    vertices, triangles = np.asarray(mesh.vertices), np.asarray(mesh.triangles, np.int64)
    origin, core = vertices.mean(axis=0), open3d.core
    scene = open3d.t.geometry.RaycastingScene()
    corners = core.Tensor((vertices - origin).astype(np.float32))
    scene.add_triangles(corners, core.Tensor(triangles.astype(np.uint32)))
    rgb = np.rint(255 * np.asarray(mesh.vertex_colors)).astype(np.uint8)
    return SceneSurface(open3d, scene, triangles, rgb, origin)


def _of_segment(reader: RunReader, segment: int) -> RunReader:
    """The run as if frames of other segments had no place."""
    poses = reader.poses
    others = (poses.segment != segment)[:, None, None]
    placed = np.where(others, np.nan, poses.world_from_camera)
    return replace(reader, poses=replace(poses, world_from_camera=placed))
