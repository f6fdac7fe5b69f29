from __future__ import annotations

import numpy as np
import pytest

from da3_stream.cloud.octree.buckets import OctreeLimits
from da3_stream.cloud.octree.building import build_octree
from da3_stream.cloud.octree.levels import DEEPEST
from tests.cloud.octree.made_points import LATTICE, SMALL, TINY_MEMORY, built, hills, records_at

ONE_PLACE = np.full((5000, 3), 7)
CASES = {
    "one point": records_at(np.array([[3, -4, 5]])),
    "two points": records_at(np.array([[3, -4, 5], [4, -4, 5]])),
    "hills": hills(20_000),
    "all in one place": records_at(ONE_PLACE),
    "all in one place but one": records_at(np.vstack([ONE_PLACE, np.full((1, 3), 10**9)])),
    "a line": records_at(np.arange(9000)[:, None] * np.array([[90_000, 0, 0]])),
    "the ends of 32 bits": records_at(np.array([[-(2**31) + 1] * 3, [2**31 - 1] * 3, [0, 0, 0]])),
}


@pytest.mark.parametrize("limits", [SMALL, TINY_MEMORY], ids=["in memory", "on disk"])
@pytest.mark.parametrize("name", CASES)
def test_every_point_is_in_one_node_and_within_its_bounds(tmp_path, name, limits):
    records = CASES[name]
    tree, nodes = built(records, tmp_path, limits)
    numbers = np.concatenate([mine["number"] for _, _, mine in nodes])
    np.testing.assert_array_equal(np.sort(numbers), np.arange(len(records)))
    assert len({node[:2] for node in nodes}) == len(nodes) and tree.count == len(records)
    for level, position, mine in nodes:
        edge = tree.cube.edge / 2**level
        low, xyz = tree.cube.low + edge * np.array(position), LATTICE.positions(mine)
        assert (xyz >= low).all() and (xyz < low + edge).all() and len(mine)
    xyz = LATTICE.positions(records)
    np.testing.assert_array_equal([tree.low, tree.high], [xyz.min(axis=0), xyz.max(axis=0)])


@pytest.mark.slow
def test_down_to_any_divided_node_one_point_shows_each_of_its_cells(tmp_path):
    """What a viewer has that went down to it: every cell of its spacing that holds points shows one of them."""
    tree, nodes = built(hills(40_000), tmp_path, TINY_MEMORY)
    keys = {node[:2] for node in nodes}
    xyz = np.concatenate([LATTICE.positions(mine) for _, _, mine in nodes]) - tree.cube.low
    levels = np.repeat([level for level, _, _ in nodes], [len(mine) for _, _, mine in nodes])
    divided = [key for key in keys if any(is_below(other, key) for other in keys)]
    assert len(divided) > 10
    for level, position in divided:
        inside = (np.floor(xyz / (tree.cube.edge / 2**level)) == position).all(axis=1)
        cells = np.floor(xyz / (tree.spacing / 2**level))
        shown = cells[inside & (levels <= level)]
        assert len(np.unique(shown, axis=0)) == len(shown) == len(np.unique(cells[inside], axis=0))


def is_below(key, other):
    up = key[0] - other[0]
    return up > 0 and tuple(axis >> up for axis in key[1]) == other[1]


def test_nodes_do_not_hang_on_the_order_of_points_or_on_how_many_are_in_memory(tmp_path):
    records = hills(30_000)
    _, whole = built(records, tmp_path, SMALL, chunk=30_000)
    shuffled = records[np.random.default_rng(1).permutation(len(records))]
    for other, chunk in ((records, 999), (shuffled, 5000)):
        _, nodes = built(other, tmp_path, TINY_MEMORY, chunk)
        assert numbers_by_node(nodes) == numbers_by_node(whole)


def numbers_by_node(nodes):
    return {node[:2]: node[2]["number"].tolist() for node in nodes}


def test_a_node_is_divided_where_it_has_more_points_than_a_leaf_may(tmp_path):
    records = hills(30_000)
    tree, nodes = built(records, tmp_path, SMALL)
    keys, xyz = {node[:2] for node in nodes}, LATTICE.positions(records) - tree.cube.low
    for level, position in keys:
        inside = (np.floor(xyz / (tree.cube.edge / 2**level)) == position).all(axis=1).sum()
        assert (inside > SMALL.leaf) == any(is_below(other, (level, position)) for other in keys)


def test_a_place_with_more_points_than_memory_holds_comes_in_parts(tmp_path):
    limits = OctreeLimits(leaf=100, bucket=1000, chunk=250, sample=50)
    chunks = np.split(records_at(ONE_PLACE), 20)
    with build_octree(chunks, LATTICE, tmp_path, limits) as tree:
        deep, top = [(node.level, [len(part) for part in node.parts]) for node in tree.nodes]
    assert top == (0, [1]) and deep[0] == DEEPEST and sum(deep[1]) == 4999 and max(deep[1]) <= 1000


def test_no_points_make_no_nodes(tmp_path):
    assert built(hills(0), tmp_path, SMALL)[1] == []
