"""A surface from the depth maps: TSDF fusion, tile by tile (optional extra `mesh`).

Curless and Levoy, "A volumetric method for building complex models from range images" (SIGGRAPH 1996), on the voxel
blocks of Dong et al., "ASH: a modern framework for parallel spatial hashing in 3D perception" (2022), as open3d has
them. A frame's depth goes into the blocks around the surface it sees; a block is computed from the same frames in the
same order in every tile that needs it, so that the tiles' vertices along a seam are equal to the last bit, and weld.
Vertices take the colour of the nearest point of the cloud.
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

from ...cloud import PointSelection, fuse_pages
from ...cloud.fusion.tiling import Tiling, build_tiling, morton_codes
from ...cloud.points import depth_edges
from ...cloud.transform import world_voxel
from ...errors import ExportError
from ...store import RunReader
from ...types import Float32, Float64, UInt8
from ..cloud.files import cloud_choice
from ..frame_views import FrameView, views_with_depth
from ..options import CloudOptions
from .files import write_mesh
from .welding import Pieces

if TYPE_CHECKING:
    from ..options import MeshOptions

_BLOCK = 16  # voxels on a side
_CUBES = 32  # cubes of 64 voxels in a tile, at most; a block takes 48 kB and a cube has some 30 of them at a surface
_TRUNCATION = 4.0  # voxels
_SAMPLE = 32  # frames that tell how confident the depth is
_KEPT = 64  # depth maps held in memory
_GREY = 128  # of vertices in a tile without points
_PAIR = np.dtype([("code", "<u8"), ("view", "<i8")])
_NEEDED_BY = np.stack(np.meshgrid([0, -1], [0, -1], [0, -1]), axis=-1).reshape(-1, 3)  # see `_cubes_of`


def export_mesh(reader: RunReader, path: Path, options: MeshOptions) -> str:
    """Fuse, weld, leave small pieces out, and write; GLB and OBJ have y up, PLY is in the run's world."""
    open3d = _open3d()
    views = views_with_depth(reader, options)
    choice = _colour_choice(reader, options)
    fusion = _Fusion(open3d, reader, views, options, world_voxel(reader.geometry, choice.settings))
    with tempfile.TemporaryFile(dir=path.parent) as file, tempfile.TemporaryFile(dir=path.parent) as more:
        cubes, seen = _surveyed(fusion, more)
        pieces = Pieces(file, fusion.voxel)
        with fuse_pages(reader.run, reader.geometry, choice, path.parent, cubes) as cloud:
            points = _Colours(iter(cloud.tiles))
            for tile, tile_views in seen:
                vertices, triangles = fusion.surface(tile, cubes, tile_views)
                pieces.add(vertices, points.of(tile, vertices), triangles)
        vertex_count, triangle_count = write_mesh(path, options.encoding, pieces, options.min_triangles, reader)
    axes = "y down" if options.encoding == "ply" else "y up"
    return f"{triangle_count:,} triangles, {vertex_count:,} vertices, voxels of {fusion.voxel:.3g}, {axes}"


def _open3d() -> Any:
    """open3d, which needs libusb on some machines that do not have it."""
    with contextlib.suppress(ImportError, OSError):
        import libusb_package

        ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)
    try:
        import open3d
    except (ImportError, OSError):
        raise ExportError("mesh needs the package open3d: pip install 'da3_stream[mesh]'") from None
    return open3d


def _colour_choice(reader: RunReader, options: MeshOptions) -> PointSelection:
    """The cloud that the colours come from: all points of the frames, one per voxel, whatever the run's own limit."""
    asked = CloudOptions(
        frames=options.frames,
        every=options.every,
        voxel_m=options.voxel_m,
        voxel=options.voxel,
        fusion="off",
        normals=False,
    )
    choice = cloud_choice(reader, asked)
    return replace(choice, settings=choice.settings.model_copy(update={"max_points": None}))


class _Fusion:
    """Depth maps into voxel blocks. `voxel` is an edge in world units."""

    def __init__(
        self, open3d: Any, reader: RunReader, views: list[FrameView], options: MeshOptions, voxel: float
    ) -> None:
        self._open3d, self._reader, self.views, self.voxel = open3d, reader, views, voxel
        self._farthest = options.max_depth * reader.geometry.median_depth()
        self._step = _colour_choice(reader, options).settings.max_depth_step
        self._min_views = min(options.min_views, len(views))
        self._threshold = self._confidence(options.confidence)
        self._depth = lru_cache(_KEPT)(self._read)
        self._grid = self._new_grid()  # for `blocks`, which change nothing in it

    def blocks(self, view: int) -> NDArray[np.int64]:
        """[B,3] around the surface that a view sees, ascending."""
        found = self._grid.compute_unique_block_coordinates(*self._seen(view), *self._limits())
        return np.unique(found.numpy().astype(np.int64), axis=0)

    def surface(self, tile: int, cubes: Tiling, views: NDArray[np.int64]) -> tuple[Float32, NDArray[np.int64]]:
        """Vertices [V,3] and triangles [T,3] of the cells in a tile, from the views that see it."""
        grid = self._new_grid()
        for view in views.tolist():
            blocks = self.blocks(view)
            mine = blocks[(cubes.tile_of(_cubes_of(blocks, self.voxel)) == tile).any(axis=0)]
            if len(mine):
                wanted = self._open3d.core.Tensor(mine.astype(np.int32))
                grid.integrate(wanted, *self._seen(view), *self._limits())
        mesh = grid.extract_triangle_mesh(self._min_views - 0.5)
        vertices, triangles = mesh.vertex.positions.numpy(), mesh.triangle.indices.numpy().astype(np.int64)
        middles = vertices[triangles].astype(np.float64).mean(axis=1)
        return vertices, triangles[cubes.tile_of(morton_codes(middles, self.voxel)) == tile]

    def _new_grid(self) -> Any:
        """open3d wants a colour, though none is ever given it: without one it cannot extract a mesh of no triangles."""
        core = self._open3d.core
        kinds, widths = (core.float32, core.uint16, core.uint16), ((1,), (1,), (3,))
        names = ("tsdf", "weight", "color")
        return self._open3d.t.geometry.VoxelBlockGrid(
            names, kinds, widths, self.voxel, _BLOCK, 1024, core.Device("CPU:0")
        )

    def _seen(self, view: int) -> tuple[Any, Any, Any]:
        """Depth, K and camera from world; open3d's projection is cut to whole pixels: its first centre is at 0.5."""
        core, (depth, k) = self._open3d.core, self._depth(view)
        image = self._open3d.t.geometry.Image(core.Tensor(depth[..., None]))
        return image, core.Tensor(k), core.Tensor(self.views[view].camera_from_world)

    def _limits(self) -> tuple[float, float, float]:
        return 1.0, self._farthest, _TRUNCATION

    def _read(self, view: int) -> tuple[Float32, Float64]:
        """Depth [H,W], 0 where it is not to be trusted, and K."""
        depth, confidence, k = self._reader.depth_without_sky(self.views[view].index)
        good = np.isfinite(depth) & (confidence > 0) & (confidence >= self._threshold)
        good &= ~depth_edges(depth, self._step)
        return np.where(good, depth, np.float32(0)), np.ascontiguousarray(k, np.float64)

    def _confidence(self, share: float) -> float:
        """Below which that share of the depth lies, by frames evenly over all."""
        some = np.unique(np.linspace(0, len(self.views) - 1, _SAMPLE).astype(int))
        sampled = [confidence[(depth > 0) & (confidence > 0)] for depth, confidence in map(self._maps, some)]
        known = np.concatenate(sampled)
        return float(np.quantile(known, share, method="lower")) if len(known) else 0.0

    def _maps(self, view: int) -> tuple[Float32, Float32]:
        depth, confidence, _ = self._reader.depth_without_sky(self.views[view].index)
        return depth, confidence


def _cubes_of(blocks: NDArray[np.int64], voxel: float) -> NDArray[np.uint64]:
    """Numbers [8,B] of the smallest cubes whose cells need blocks [B,3]: a cell's corners reach into the next block."""
    middles = (blocks + _NEEDED_BY[:, None] + 0.5) * (_BLOCK * voxel)
    return morton_codes(middles.reshape(-1, 3), voxel).reshape(len(_NEEDED_BY), -1)


def _surveyed(fusion: _Fusion, file: Any) -> tuple[Tiling, list[tuple[int, NDArray[np.int64]]]]:
    """The tiles, and by which views each is seen, ascending; some 100 bytes for each view. `file` is for scratch."""
    known = np.zeros(0, np.uint64)
    for view in range(len(fusion.views)):
        codes = np.unique(_cubes_of(fusion.blocks(view), fusion.voxel))
        known = np.union1d(known, codes)
        pairs = np.empty(len(codes), _PAIR)
        pairs["code"], pairs["view"] = codes, view
        file.write(pairs.data)
    cubes = build_tiling(known, _CUBES)
    file.seek(0)
    parts = [np.zeros(0, _PAIR)]
    while len(pairs := np.fromfile(file, _PAIR, 1 << 16)):
        pairs["code"] = cubes.tile_of(pairs["code"])
        parts.append(np.unique(pairs))
    pairs = np.unique(np.concatenate(parts))
    tiles, first = np.unique(pairs["code"], return_index=True)
    return cubes, list(zip(tiles.tolist(), np.split(pairs["view"], first[1:]), strict=False))


class _Colours:
    """The cloud's points, tile after tile."""

    def __init__(self, tiles: Iterator[tuple[int, NDArray[np.void]]]) -> None:
        self._tiles = tiles
        self._next = next(tiles, None)

    def of(self, tile: int, vertices: Float32) -> UInt8:
        """[V,3] of vertices in a tile; tiles are asked for in ascending order."""
        while self._next is not None and self._next[0] < tile:
            self._next = next(self._tiles, None)
        if self._next is None or self._next[0] > tile or not len(self._next[1]):
            return np.full((len(vertices), 3), _GREY, np.uint8)
        points = self._next[1]
        return points["rgb"][cKDTree(points["xyz"]).query(vertices)[1]]
