"""An octree over the points of one submap, in its own frame, as a viewer would have it."""

from __future__ import annotations

import numpy as np

from da3_stream.cloud import read_page
from da3_stream.cloud.octree.buckets import OctreeLimits
from da3_stream.cloud.octree.building import build_octree
from da3_stream.cloud.octree.lattice import Lattice
from tests.worlds.street import run_with_pages

RECORD = np.dtype([("xyz", "<i4", 3), ("rgb", "u1", 3)])


def test_the_nodes_hold_the_submaps_points_relative_to_their_corners(tmp_path):
    run = run_with_pages(tmp_path / "run")
    points = read_page(run, 1)
    lattice = Lattice(points.voxel / 256, np.zeros(3))
    records = np.zeros(len(points), RECORD)
    records["xyz"], records["rgb"] = np.rint(points.xyz / lattice.step), points.rgb
    found = []
    with build_octree([records], lattice, tmp_path, OctreeLimits(leaf=200)) as tree:
        for node in tree.nodes:
            edge = tree.cube.edge / 2**node.level
            corner = tree.cube.low + edge * np.array(node.position)
            for part in node.parts:
                relative = (lattice.positions(part) - corner).astype(np.float32)
                assert (relative >= 0).all() and (relative <= edge).all()
                found.append(np.column_stack([corner + relative, part["rgb"]]))
    expected = np.column_stack([points.xyz, points.rgb])
    rows = [table[np.lexsort(np.round(table, 4).T)] for table in (np.concatenate(found), expected)]
    assert len(found) > 10
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-4)
