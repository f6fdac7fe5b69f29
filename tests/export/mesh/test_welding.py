"""Tiles of a mesh become one: welded along their seams, no triangle twice, normals from both sides of a seam."""

from __future__ import annotations

import io

import numpy as np
import pytest
import trimesh

from da3_stream.cloud.octree.cube import TILE_DEPTH
from da3_stream.cloud.octree.leaves import build_leaves
from da3_stream.errors import ExportError
from da3_stream.export.mesh import tsdf as mesh_module
from da3_stream.export.mesh.welding import TiledMesh

BLOCKS = np.stack(np.meshgrid(*[[3, 4]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)  # about a corner of eight cubes


def square(corner):
    """Two triangles [4,3] over a square of edge 64 in the plane z = 0.5."""
    xyz = np.array([[0, 0, 0.5], [64, 0, 0.5], [64, 64, 0.5], [0, 64, 0.5]], np.float32) + np.float32(corner)
    return xyz, np.zeros((4, 3), np.uint8), np.array([[0, 1, 2], [0, 2, 3]])


def test_components_are_connected_across_seams():
    mesh = TiledMesh(io.BytesIO(), 1.0)
    for corner in ([0, 0, 0], [64, 0, 0], [640, 0, 0], [128, 0, 0]):
        mesh.add(*square(corner))
    assert mesh.count == 4
    parts = list(mesh.weld(3))
    vertices = np.concatenate([vertices["xyz"] for vertices, _ in parts])
    triangles = np.concatenate([triangles for _, triangles in parts])
    assert len(vertices) == 8 and len(triangles) == 6 and vertices[:, 0].max() == 192
    assert sorted(np.abs(trimesh.triangles.area(vertices[triangles])).tolist()) == [2048.0] * 6
    assert len(list(mesh.weld(7))[0][0]) == 0


def test_a_triangle_that_comes_twice_is_there_once_whichever_corner_it_begins_with():
    xyz, rgb, triangles = square([0, 0, 0])
    assert welded(xyz, rgb, np.vstack([triangles, [[2, 0, 1], [0, 2, 3]]])) == welded(xyz, rgb, triangles)
    assert len(welded(xyz, rgb, triangles)) == 2


def test_two_triangles_back_to_back_leave_nothing():
    """They come from cells on both sides of a corner that the surface goes through."""
    xyz, rgb, triangles = square([0, 0, 0])
    assert welded(xyz, rgb, np.vstack([triangles, [[1, 0, 2]]])) == welded(xyz, rgb, triangles[1:])


def welded(xyz, rgb, triangles):
    """Corners of the triangles of a welded mesh, each from its least on, sorted; unused vertices are an error."""
    mesh = TiledMesh(io.BytesIO(), 1.0)
    mesh.add(xyz, rgb, triangles)
    ((vertices, kept),) = mesh.weld(1)
    assert np.array_equal(np.unique(kept), np.arange(len(vertices)))
    corners = [list(map(tuple, triangle)) for triangle in vertices["xyz"][kept].tolist()]
    return sorted(tuple(c[(c.index(min(c)) + k) % 3] for k in range(3)) for c in corners)


def test_normals_are_weighted_by_area_also_across_a_seam():
    """A floor of 64 by 64, and beyond the seam x = 64 a slope of 64 by 64 and as much height."""
    mesh, (xyz, rgb, triangles) = TiledMesh(io.BytesIO(), 1.0), square([0, 0, 0])
    mesh.add(xyz, rgb, triangles)
    mesh.add(np.array([[64, 0, 0.5], [128, 0, 64.5], [128, 64, 64.5], [64, 64, 0.5]], np.float32), rgb, triangles)
    vertices = np.concatenate([vertices for vertices, _ in mesh.weld(1)])
    by_place = {tuple(v["xyz"].tolist()): v["normal"] for v in vertices}
    floor, slope = np.array([0, 0, 4096.0]), np.array([-4096.0, 0, 4096])  # as long as twice the area of a triangle
    for place, weights in [
        ((0, 0, 0.5), (2, 0)),
        ((64, 0, 0.5), (1, 2)),
        ((64, 64, 0.5), (2, 1)),
        ((128, 0, 64.5), (0, 1)),
    ]:
        expected = weights[0] * floor + weights[1] * slope
        np.testing.assert_allclose(by_place[place], expected / np.linalg.norm(expected), atol=1e-6)


def test_seams_are_found_where_float32_is_coarse():
    """Ten kilometres from the origin it has steps of a millimetre: a twentieth of these voxels."""
    voxel, mesh = 0.0171, TiledMesh(io.BytesIO(), 0.0171)
    cube = 64 * voxel
    first = np.rint(1e4 / cube)
    for k in range(20):
        x = np.float32([first + k, first + k + 1]) * np.float64(cube)
        corners = [[x[0], 0.1, 0.5], [x[1], 0.1, 0.5], [x[1], 0.9, 0.5], [x[0], 0.9, 0.5]]
        mesh.add(np.array(corners, np.float32), np.zeros((4, 3), np.uint8), np.array([[0, 1, 2], [0, 2, 3]]))
    assert sum(len(vertices) for vertices, _ in mesh.weld(1)) == 2 * 21


class NoiseFusion(mesh_module._DepthFusion):
    """Blocks of noise in place of depth maps; a fifth of the voxels has a surface at its corner as float32 has it."""

    def __init__(self, open3d):
        self._open3d, self.voxel, self._min_views = open3d, 1.0, 1

    def blocks(self, view):
        return BLOCKS

    def _camera_inputs(self, view):
        return ()

    def _limits(self):
        return ()

    def _new_grid(self):
        return NoiseGrid(super()._new_grid())


class NoiseGrid:
    def __init__(self, grid):
        self.grid, self.extract_triangle_mesh = grid, grid.extract_triangle_mesh

    def integrate(self, keys):
        rows, _ = self.grid.hashmap().activate(keys)
        for row, key in zip(rows.numpy(), keys.numpy(), strict=True):
            rng = np.random.default_rng(key)
            noise = rng.uniform(-1, 1, (16, 16, 16, 1)).astype(np.float32)
            noise[rng.uniform(size=noise.shape) < 0.2] *= 1e-12
            self.grid.attribute("tsdf").numpy()[row] = noise
            self.grid.attribute("weight").numpy()[row] = 10


def noise_surface(open3d, max_cubes):
    """Vertices [V,3] and triangles [T,3] of eight blocks of noise, in tiles of so many cubes."""
    fusion, mesh = NoiseFusion(open3d), TiledMesh(io.BytesIO(), 1.0)
    cubes = np.unique(mesh_module._cubes_of(BLOCKS, 1.0))
    leaves = build_leaves(cubes, TILE_DEPTH, max_cubes)
    for tile in np.unique(leaves.leaf_of(cubes)).tolist():
        vertices, triangles = fusion.extract(tile, leaves, np.array([0]))
        mesh.add(vertices, np.zeros((len(vertices), 3), np.uint8), triangles)
    parts = list(mesh.weld(1))
    return np.concatenate([v["xyz"] for v, _ in parts]), np.concatenate([t for _, t in parts])


@pytest.mark.slow
def test_no_triangle_is_doubled_where_surfaces_go_through_corners_of_voxels_also_on_seams():
    try:
        open3d = mesh_module.import_open3d()
    except ExportError:
        pytest.skip("open3d is not installed")
    whole, cut = noise_surface(open3d, 1000), noise_surface(open3d, 1)
    for xyz, triangles in (whole, cut):
        assert len(np.unique(np.sort(triangles, axis=1), axis=0)) == len(triangles) > 50_000
        assert len(np.unique(xyz, axis=0)) == len(xyz)
    for one, other in zip(in_order(*whole), in_order(*cut), strict=True):
        np.testing.assert_array_equal(one, other)


def in_order(xyz, triangles):
    """Vertices and triangles whatever the order that they came in."""
    order = np.lexsort(xyz.T)
    corners = np.sort(np.argsort(order)[triangles], axis=1)
    return xyz[order], corners[np.lexsort(corners.T)]
