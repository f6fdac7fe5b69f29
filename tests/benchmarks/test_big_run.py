"""Made-up big runs are whole and true: what stands on their pages lies on the road, in its colours."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.viewing.big_run import MAP, BigRun, make_run
from benchmarks.viewing.road import GROUND, SIDE, colour_at
from da3_stream.cloud import SubmapLevels, count_points, points_in_world, read_page
from da3_stream.store import RunReader

AT = (500_000.0, 0.0, 5_600_000.0)
SMALL = BigRun(3000, 3, 31, length_m=90.0, size=(24, 18))


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    return RunReader.open(make_run(tmp_path_factory.mktemp("big") / "run", SMALL).path)


def test_pages_and_levels_hold_as_many_points_as_were_asked_for(reader):
    pages = [count_points(reader.run, submap) for submap in range(3)]
    levels = [SubmapLevels.open(reader.run.levels_path(submap)).count for submap in range(3)]
    assert pages == levels == [1000] * 3


def test_points_lie_on_the_road_in_its_colours(reader):
    for submap in range(3):
        points = points_in_world(read_page(reader.run, submap), reader.geometry, submap)
        xyz = points.xyz.astype(np.float64)
        off = np.minimum(abs(xyz[:, 1] - GROUND), abs(abs(xyz[:, 0]) - SIDE))
        assert off.max() < 1e-3
        inside = (abs((xyz + 0.01) % 2.0) > 0.05).all(axis=1) & (abs(abs(xyz[:, 0]) - SIDE) > 0.01)
        snapped = np.where([[False, True, False]], GROUND, xyz)[inside]
        assert np.abs(points.rgb[inside].astype(int) - colour_at(snapped)).max() <= 2


def test_frames_have_depth_images_and_true_poses(reader):
    table, road = reader.poses, SMALL.road
    assert len(table) == 31 and table.has_pose.all()
    np.testing.assert_allclose(table.world_from_camera[:, :3, 3], road.centres(np.arange(31)), atol=1e-9)
    depth, confidence, k = reader.depth(12)
    assert depth.shape == (18, 24) and 0 < np.median(depth[depth > 0]) < 60 and confidence.max() > 1
    np.testing.assert_allclose(k, road.intrinsics)


def test_a_world_far_from_its_origin_is_located_where_the_map_says(tmp_path):
    made = BigRun(600, 2, 8, length_m=20.0, size=(24, 18), world_at=AT, located=True, levels=False)
    reader = RunReader.open(make_run(tmp_path / "run", made).path)
    centres = reader.poses.world_from_camera[:, :3, 3]
    np.testing.assert_allclose(centres, made.road.centres(np.arange(8)) + AT, atol=1e-9)
    place = reader.geometry.scene.georeference
    assert place.crs == MAP[0]
    np.testing.assert_allclose(place.geographic_from_world.apply(centres[:1])[0], MAP[1], atol=1e-6)
    assert not reader.run.levels_path(0).exists()
