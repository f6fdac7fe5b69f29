"""A surface from the depth maps: TSDF fusion, tile by tile (optional extra `mesh`).

Curless and Levoy, "A volumetric method for building complex models from range images" (SIGGRAPH 1996), on the voxel
blocks of Dong et al., "ASH: a modern framework for parallel spatial hashing in 3D perception" (2022), as open3d has
them. A frame's depth is integrated into the blocks around the surface that it sees; a block is computed from the same
frames in the same order in every tile that needs it, so that the vertices of two tiles along a seam are equal to the
last bit and can be welded. Vertices take the colour of the nearest point of the cloud.
"""

from __future__ import annotations

import contextlib
import ctypes
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ...cloud import Crop, FileAxes, PointSelection, fuse_pages
from ...cloud.octree.cube import TILE_DEPTH, tile_codes
from ...cloud.octree.leaves import Leaves, build_leaves
from ...cloud.points import depth_edges
from ...cloud.transform import world_voxel
from ...errors import ExportError
from ...store import RunReader
from ...types import Float32, Float64, UInt8
from ...upright import crop_of_run
from ..cloud.files import point_selection
from ..frame_views import FrameView, views_with_depth
from ..options import CloudOptions
from .files import mesh_axes, write_mesh
from .welding import TiledMesh, seam_width

if TYPE_CHECKING:
    from ..options import MeshOptions
    from ..progress import Progress

_BLOCK = 16  # voxels on a side
_CUBES = 32  # of 64 voxels, in a tile at most: a block takes 48 kB, and a cube has some 30 of them at a surface
_TRUNCATION = 4.0  # voxels
_SAMPLED_FRAMES = 32  # for the quantile of confidence
_CACHED = 64  # depth maps in memory
_GREY = 128  # colour of vertices in a tile without points
_PAIR = np.dtype([("code", "<u8"), ("view", "<i8")])
_NEEDED_BY = np.stack(np.meshgrid([0, -1], [0, -1], [0, -1]), axis=-1).reshape(-1, 3)  # see `_cubes_of`


def export_mesh(reader: RunReader, path: Path, options: MeshOptions, progress: Progress) -> str:
    """Fuse depth maps, weld tiles, leave small components out, and write in the axes of `mesh_axes`."""
    open3d, axes = import_open3d(), mesh_axes(reader, options)
    views, crop = views_with_depth(reader, options), crop_of_run(reader, options.crop, axes)
    selection = _colour_selection(reader, options)
    fusion = _DepthFusion(open3d, reader, views, options, world_voxel(reader.geometry, selection.settings))
    with tempfile.TemporaryFile(dir=path.parent) as file, tempfile.TemporaryFile(dir=path.parent) as scratch:
        leaves, views_of_tiles = _build_leaves(fusion, scratch, progress)
        mesh = TiledMesh(file, fusion.voxel)
        with fuse_pages(reader.run, reader.geometry, selection, path.parent, leaves) as cloud:
            colours = _PointColours(iter(cloud.tiles))
            for tile, tile_views in progress.each("tiles of the surface", views_of_tiles, len(views_of_tiles)):
                vertices, triangles = fusion.extract(tile, leaves, tile_views)
                triangles = _inside(vertices, triangles, crop)
                mesh.add(vertices, colours.of(tile, vertices), triangles)
        vertex_count, triangle_count = write_mesh(path, options.encoding, mesh, options.min_triangles, axes)
    voxel = axes.file_from_world.scale * fusion.voxel
    cropped = "" if crop is None else f", cropped to {crop.region}"
    return f"{triangle_count:,} triangles, {vertex_count:,} vertices, voxels of {voxel:.3g}, {axes.up_text}{cropped}"


def _inside(vertices: Float32, triangles: NDArray[np.int64], crop: Crop | None) -> NDArray[np.int64]:
    """The triangles [T,3] all of whose vertices lie in the crop."""
    return triangles if crop is None else triangles[crop.contains(vertices)[triangles].all(axis=1)]


def import_open3d() -> Any:
    """The package open3d, with libusb, which it needs and some machines lack. Raises ExportError where it is not
    installed."""
    with contextlib.suppress(ImportError, OSError):
        import libusb_package

        ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
    try:
        import open3d
    except (ImportError, OSError):
        raise ExportError("mesh needs the package open3d: pip install 'da3_stream[mesh]'") from None
    return open3d


def _colour_selection(reader: RunReader, options: MeshOptions) -> PointSelection:
    """The points that the colours come from: all of the selected frames, one per voxel, without the run's own limit."""
    cloud_options = CloudOptions(
        frames=options.frames,
        every=options.every,
        voxel_m=options.voxel_m,
        voxel=options.voxel,
        fusion="off",
        normals=False,
    )
    selection = point_selection(reader, cloud_options, FileAxes.world(reader.units))
    return replace(selection, settings=selection.settings.model_copy(update={"max_points": None}))


class _DepthFusion:
    """TSDF fusion of the views' depth maps into voxel blocks. `voxel` is the edge of a voxel in world units."""

    def __init__(
        self, open3d: Any, reader: RunReader, views: list[FrameView], options: MeshOptions, voxel: float
    ) -> None:
        self._open3d, self._reader, self.views, self.voxel = open3d, reader, views, voxel
        self._max_depth = options.max_depth * reader.geometry.median_depth()
        self._max_depth_step = _colour_selection(reader, options).settings.max_depth_step
        self._min_views = min(options.min_views, len(views))
        self._min_confidence = self._confidence_quantile(options.confidence)
        self._depth = lru_cache(_CACHED)(self._read)
        self._grid = self._new_grid()  # for `blocks`, which does not change it

    def blocks(self, view: int) -> NDArray[np.int64]:
        """Indices [B,3], ascending, of the voxel blocks around the surface that a view sees."""
        blocks = self._grid.compute_unique_block_coordinates(*self._camera_inputs(view), *self._limits())
        return np.unique(blocks.numpy().astype(np.int64), axis=0)

    def extract(self, tile: int, leaves: Leaves, views: NDArray[np.int64]) -> tuple[Float32, NDArray[np.int64]]:
        """Vertices [V,3] and triangles [T,3] of a tile's cells, from the views that see it."""
        grid = self._new_grid()
        for view in views.tolist():
            blocks = self.blocks(view)
            of_tile = blocks[(leaves.leaf_of(_cubes_of(blocks, self.voxel)) == tile).any(axis=0)]
            if len(of_tile):
                keys = self._open3d.core.Tensor(of_tile.astype(np.int32))
                grid.integrate(keys, *self._camera_inputs(view), *self._limits())
        mesh = grid.extract_triangle_mesh(self._min_views - 0.5)
        vertices, triangles = mesh.vertex.positions.numpy(), mesh.triangle.indices.numpy().astype(np.int64)
        centres = vertices[triangles].astype(np.float64).mean(axis=1)
        # what lies on a seam goes to the lower tile, which sees the cells on both sides of it (see `_cubes_of`)
        inside = centres - seam_width(centres, self.voxel) / 4
        return vertices, triangles[leaves.leaf_of(tile_codes(inside, self.voxel)) == tile]

    def _new_grid(self) -> Any:
        """An empty grid. Its colour is never set, but without one open3d cannot extract a mesh of no triangles."""
        core = self._open3d.core
        kinds, widths = (core.float32, core.uint16, core.uint16), ((1,), (1,), (3,))
        names = ("tsdf", "weight", "color")
        return self._open3d.t.geometry.VoxelBlockGrid(
            names, kinds, widths, self.voxel, _BLOCK, 1024, core.Device("CPU:0")
        )

    def _camera_inputs(self, view: int) -> tuple[Any, Any, Any]:
        """Depth, K and camera from world for open3d, which truncates projections to pixels: first centre at 0.5."""
        core, (depth, k) = self._open3d.core, self._depth(view)
        image = self._open3d.t.geometry.Image(core.Tensor(depth[..., None]))
        return image, core.Tensor(k), core.Tensor(self.views[view].camera_from_world)

    def _limits(self) -> tuple[float, float, float]:
        return 1.0, self._max_depth, _TRUNCATION

    def _read(self, view: int) -> tuple[Float32, Float64]:
        """Depth [H,W], 0 where it is unreliable, and K."""
        depth, confidence, k = self._reader.depth_without_sky(self.views[view].index)
        good = np.isfinite(depth) & (confidence > 0) & (confidence >= self._min_confidence)
        good &= ~depth_edges(depth, self._max_depth_step)
        return np.where(good, depth, np.float32(0)), np.ascontiguousarray(k, np.float64)

    def _confidence_quantile(self, share: float) -> float:
        """The confidence below which this share of the depth lies, estimated from frames evenly over all."""
        frames = np.unique(np.linspace(0, len(self.views) - 1, _SAMPLED_FRAMES).astype(int))
        sampled = [confidence[(depth > 0) & (confidence > 0)] for depth, confidence in map(self._maps, frames)]
        known = np.concatenate(sampled)
        return float(np.quantile(known, share, method="lower")) if len(known) else 0.0

    def _maps(self, view: int) -> tuple[Float32, Float32]:
        """Depth and confidence [H,W] of a view."""
        depth, confidence, _ = self._reader.depth_without_sky(self.views[view].index)
        return depth, confidence


def _cubes_of(blocks: NDArray[np.int64], voxel: float) -> NDArray[np.uint64]:
    """Morton codes [8,B] of the smallest cubes whose cells need blocks [B,3]: a cell may reach into the next block."""
    centres = (blocks + _NEEDED_BY[:, None] + 0.5) * (_BLOCK * voxel)
    return tile_codes(centres.reshape(-1, 3), voxel).reshape(len(_NEEDED_BY), -1)


def _build_leaves(
    fusion: _DepthFusion, scratch: Any, progress: Progress
) -> tuple[Leaves, list[tuple[int, NDArray[np.int64]]]]:
    """The tiles, leaves of an octree, and each with the views that see it, ascending. `scratch` is a file of some 100
    bytes a view."""
    known = np.zeros(0, np.uint64)
    count = len(fusion.views)
    for view in progress.each("depth maps", range(count), count):
        codes = np.unique(_cubes_of(fusion.blocks(view), fusion.voxel))
        known = np.union1d(known, codes)
        pairs = np.empty(len(codes), _PAIR)
        pairs["code"], pairs["view"] = codes, view
        scratch.write(pairs.data)
    leaves = build_leaves(known, TILE_DEPTH, _CUBES)
    scratch.seek(0)
    parts = [np.zeros(0, _PAIR)]
    while len(pairs := np.fromfile(scratch, _PAIR, 1 << 16)):
        pairs["code"] = leaves.leaf_of(pairs["code"])
        parts.append(np.unique(pairs))
    pairs = np.unique(np.concatenate(parts))
    tiles, first = np.unique(pairs["code"], return_index=True)
    return leaves, list(zip(tiles.tolist(), np.split(pairs["view"], first[1:]), strict=False))


class _PointColours:
    """Colours from the cloud's points, which come tile after tile."""

    def __init__(self, tiles: Iterator[tuple[int, NDArray[np.void]]]) -> None:
        self._tiles = tiles
        self._next = next(tiles, None)

    def of(self, tile: int, vertices: Float32) -> UInt8:
        """RGB [V,3] of vertices in a tile, by the nearest point; tiles in ascending order."""
        while self._next is not None and self._next[0] < tile:
            self._next = next(self._tiles, None)
        if self._next is None or self._next[0] > tile or not len(self._next[1]):
            return np.full((len(vertices), 3), _GREY, np.uint8)
        points = self._next[1]
        return points["rgb"][cKDTree(points["xyz"]).query(vertices)[1]]
