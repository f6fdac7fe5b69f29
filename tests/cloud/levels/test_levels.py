from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from da3_stream.cloud import Points, SubmapLevels, levels_of_page, read_page, write_levels, write_page
from da3_stream.cloud.levels.layout import HEAD, MAGIC, MOST_IN_NODE, POINT_BYTES
from da3_stream.errors import StoreError
from da3_stream.store import create_run
from tests.cloud.levels.made_points import points_at, street_points

RNG = np.random.default_rng(0)
CASES = {
    "one point": points_at(np.array([[3.0, -4.0, 5.0]])),
    "two points": points_at(np.array([[3.0, -4.0, 5.0], [3.5, -4.0, 5.0]])),
    "a street": replace(street_points(60_000), rgb=points_at(np.zeros((60_000, 3))).rgb),
    "all in one place": points_at(np.full((70_000, 3), 7.25)),
    "all in one place but one": points_at(np.vstack([np.full((140_000, 3), 7.25), np.full((1, 3), 1e6)])),
    "a line": points_at(np.arange(50_000)[:, None] * np.array([[0.01, 0, 0]])),
    "flat": points_at(np.concatenate([RNG.random((50_000, 2)), np.zeros((50_000, 1))], axis=1)),
    "a volume": points_at(RNG.random((120_000, 3)) * 30),
    "one point far away": points_at(np.concatenate([RNG.random((50_000, 3)), np.full((1, 3), 1e7)])),
    "far from the origin": points_at(RNG.random((50_000, 3)) * 4 + 5000),
}


def written(folder, points):
    run = create_run(folder / "run")
    write_levels(run, 0, points)
    return SubmapLevels.open(run.levels_path(0))


def decoded(levels):
    """All points: places, colours, frames and confidences, and the node of each."""
    parts = [levels.points(node) for node in range(len(levels.nodes))]
    columns = [
        np.concatenate([getattr(part, name) for part in parts]) for name in ("xyz", "rgb", "frame", "confidence")
    ]
    return (*columns, np.repeat(np.arange(len(parts)), [len(part.xyz) for part in parts]))


def in_one_order(xyz, rgb, frame):
    return np.lexsort((*rgb.T.astype(int), frame, xyz[:, 0].round(3)))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_point_comes_back_once_within_a_step_of_its_node(tmp_path, name):
    points = CASES[name]
    levels = written(tmp_path, points)
    xyz, rgb, frame, confidence, node = decoded(levels)
    assert len(xyz) == len(points) == levels.count == levels.header["points"]
    order, expected = (
        np.lexsort((*colours.T.astype(int), frames)) for colours, frames in ((rgb, frame), (points.rgb, points.frame))
    )
    np.testing.assert_array_equal(rgb[order], points.rgb[expected])
    np.testing.assert_array_equal(frame[order], points.frame[expected])
    sizes = np.array([entry["size"] for entry in levels.nodes])[node]
    off = np.abs(xyz[order] - points.xyz[expected].astype(np.float64)).max(axis=1)
    assert (off <= sizes[order] / 65535 * 0.5001 + 1e-12).all()
    np.testing.assert_allclose(confidence[order], points.confidence[expected], rtol=0.014)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_nodes_come_breadth_first_within_their_parents_and_within_bounds(tmp_path, name):
    nodes = written(tmp_path, CASES[name]).nodes
    assert [node["level"] for node in nodes] == sorted(node["level"] for node in nodes)
    assert all(0 < node["points"] <= MOST_IN_NODE for node in nodes)
    assert len({node["key"] for node in nodes}) == len(nodes)
    assert nodes[0]["key"] == "r"
    keys = {node["key"] for node in nodes}
    assert all(node["key"][:-1] in keys for node in nodes[1:])
    offset = 0
    for node in nodes:
        assert node["offset"] == offset and len(node["key"]) == node["level"] + 1
        offset += POINT_BYTES * node["points"]


@pytest.mark.parametrize(("extent", "voxel"), [(10, 0.02), (100, 0.05), (2000, 0.2), (2000, 1.0)])
def test_places_are_within_a_64th_of_a_voxel_however_far_a_submap_reaches(tmp_path, extent, voxel):
    number = points_at(np.zeros((40_000, 3))).rgb
    points = replace(street_points(40_000, extent), rgb=number, voxel=voxel)
    xyz, rgb, _, _, _ = decoded(written(tmp_path, points))
    off = np.abs(xyz[np.lexsort(rgb.T)] - points.xyz[np.lexsort(number.T)].astype(np.float64))
    assert off.max() <= voxel / 64


def test_the_first_points_of_a_node_are_an_even_sample_of_it(tmp_path):
    levels = written(tmp_path, street_points(150_000))
    node = max(range(len(levels.nodes)), key=lambda k: levels.nodes[k]["points"])
    xyz = levels.points(node).xyz[:, :2]
    low, high = xyz.min(axis=0), xyz.max(axis=0)
    bounds = np.stack([low, high], axis=-1)
    whole, begin = (np.histogram2d(*part.T, bins=4, range=bounds)[0] for part in (xyz, xyz[: len(xyz) // 4]))
    np.testing.assert_allclose(begin / len(xyz) * 4, whole / len(xyz), atol=0.02)


@pytest.mark.slow
def test_spacing_is_the_distance_of_points_that_a_node_and_those_above_it_show(tmp_path):
    points = street_points(150_000)
    levels = written(tmp_path, points)
    xyz, _, _, _, node = decoded(levels)
    level = np.array([entry["level"] for entry in levels.nodes])[node]
    checked = 0
    for entry in levels.nodes:
        low = np.array(entry["centre"]) - entry["size"] / 2
        inside = ((xyz >= low) & (xyz <= low + entry["size"])).all(axis=1) & (level <= entry["level"])
        if inside.sum() > 1000:
            nearest = cKDTree(xyz[inside]).query(xyz[inside], 2)[0][:, 1]
            assert 0.3 < np.median(nearest) / entry["spacing"] < 1.3
            checked += 1
    assert checked > 5


def test_a_child_lies_in_its_octant_of_its_parent(tmp_path):
    nodes = written(tmp_path, street_points(200_000)).nodes
    root = nodes[0]
    assert len(nodes) > 20 and max(node["level"] for node in nodes) >= 2
    for node in nodes:
        centre, size = np.array(root["centre"]), root["size"]
        for octant in node["key"][1:]:
            size /= 2
            centre = centre + size / 2 * (2 * np.array([int(octant) >> 2, int(octant) >> 1 & 1, int(octant) & 1]) - 1)
        np.testing.assert_allclose(node["centre"], centre, atol=1e-9)
        assert node["size"] == size


def test_a_submap_without_points_has_a_file_without_nodes(tmp_path):
    levels = written(tmp_path, Points.empty(0.1))
    assert levels.header["nodes"] == [] and levels.count == 0 and levels.header["frames"] == []
    with pytest.raises(IndexError):
        levels.read(0, 0)


@pytest.mark.parametrize("count", [3000, 5000, 30_000, 200_000])
def test_the_root_is_small(tmp_path, count):
    nodes = written(tmp_path, street_points(count)).nodes
    assert nodes[0]["points"] <= 4096 and (len(nodes) == 1) == (count <= 4096)


def test_the_coarsest_nodes_of_a_far_reaching_submap_are_small(tmp_path):
    nodes = written(tmp_path, replace(street_points(200_000), voxel=0.02)).nodes
    coarsest = [node for node in nodes if node["level"] == min(n["level"] for n in nodes if n["points"] > 1)]
    assert len(coarsest) > 8 and all(node["points"] <= 4096 for node in coarsest)


def test_consecutive_nodes_are_one_read(tmp_path):
    levels = written(tmp_path, street_points(100_000))
    assert levels.read(0, 4) == b"".join(levels.read(k, k) for k in range(5))
    assert len(levels.read(0, len(levels.nodes) - 1)) == POINT_BYTES * levels.count
    for first, last in ((-1, 0), (2, 1), (0, len(levels.nodes))):
        with pytest.raises(IndexError):
            levels.read(first, last)


def test_equal_points_give_equal_bytes(tmp_path):
    digests = []
    for name in "ab":
        path = written(tmp_path / name, street_points(30_000)).path
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_a_run_without_them_gets_them_from_its_page(tmp_path):
    run, points = create_run(tmp_path / "run"), street_points(30_000)
    write_page(run, 0, points)
    levels_of_page(run, 0, tmp_path / "made.levels")
    xyz, rgb, frame, _, _ = decoded(SubmapLevels.open(tmp_path / "made.levels"))
    page = read_page(run, 0)
    mine, theirs = in_one_order(xyz, rgb, frame), in_one_order(page.xyz, page.rgb, page.frame)
    np.testing.assert_allclose(np.sort(xyz, axis=0), np.sort(page.xyz, axis=0), atol=2e-3)
    np.testing.assert_array_equal(np.sort(frame[mine]), np.sort(page.frame[theirs]))
    assert not run.levels_path(0).exists()


def test_points_that_lie_nowhere_are_refused(tmp_path):
    points = street_points(10)
    points.xyz[3, 1] = np.nan
    with pytest.raises(StoreError, match="expected finite coordinates"):
        written(tmp_path, points)


@pytest.mark.parametrize("damage", ["torn", "beheaded", "empty", "garbage", "long header", "missing"])
def test_a_damaged_file_is_one_sentence(tmp_path, damage):
    path = written(tmp_path, street_points(3000)).path
    whole = path.read_bytes()
    contents = {
        "torn": whole[: len(whole) // 2],
        "beheaded": whole[100:],
        "empty": b"",
        "garbage": whole[:20] + bytes(len(whole) - 20),
        "long header": whole[:8] + b"\xff\xff\xff\xff" + whole[12:],
    }
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(contents[damage])
    with pytest.raises(StoreError, match="is (damaged|missing)"):
        SubmapLevels.open(path)


NO_NODES = {
    "a block elsewhere": {"offset": -12},
    "a block without a place": {"offset": None},
    "a cube without a centre": {"centre": None},
    "a cube of a line": {"centre": [1.0]},
    "an endless cube": {"size": float("inf")},
    "a cube of text": {"size": "x"},
    "no spacing": {"spacing": float("nan")},
    "half a point": {"points": 2999.5},
}


@pytest.mark.parametrize("damage", NO_NODES)
def test_a_damaged_header_is_one_sentence(tmp_path, damage):
    levels = written(tmp_path, street_points(3000))
    root, *others = levels.nodes
    text = json.dumps({**levels.header, "nodes": [{**root, **NO_NODES[damage]}, *others]}).encode()
    head = HEAD.pack(MAGIC, len(text)) + text
    blocks = levels.path.read_bytes()[levels.start :]
    levels.path.write_bytes(head + bytes(-len(head) % 8) + blocks)
    with pytest.raises(StoreError, match="is damaged"):
        SubmapLevels.open(levels.path)
