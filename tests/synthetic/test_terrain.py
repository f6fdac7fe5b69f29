"""Streets that rise: what stands on the ground is lifted with it, and so are the cameras and cars that drive there."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.errors import SyntheticError
from da3_stream.synthetic import Town
from da3_stream.synthetic.paths import EYE_M
from da3_stream.synthetic.scenes.streets import PITCH_M, ROAD_M
from da3_stream.synthetic.scenes.terrain import AXLES_M, FLAT, Terrain
from tests.worlds.towns import make_town

pytestmark = pytest.mark.slow

GRADE = 0.08


@pytest.fixture(scope="module")
def hill() -> Town:
    return make_town("block", frames=300, size=(160, 120), slope=GRADE, cars_ahead=2)


def test_ramps_rise_along_blocks_and_crossings_are_level() -> None:
    hill, crossing = Terrain(GRADE), PITCH_M[0] / 2
    assert hill.height(0.0) == 0.0
    assert hill.height(3.0) - hill.height(1.0) == pytest.approx(2 * GRADE)
    assert hill.height(crossing - ROAD_M / 2) == pytest.approx(hill.height(crossing + ROAD_M / 2))
    east = np.linspace(-200, 200, 20_001)
    assert np.diff(hill.height(east)).min() >= 0
    assert np.diff(hill.height(east)).max() <= 1.01 * GRADE * (east[1] - east[0])


@pytest.mark.slow
def test_a_plain_leaves_everything_where_it_is() -> None:
    town = make_town("block", frames=30, size=(64, 48))
    shapes = FLAT.lift(town.scene.shapes)
    np.testing.assert_array_equal(shapes.edges, town.scene.shapes.edges)
    np.testing.assert_array_equal(shapes.origin, town.scene.shapes.origin)


@pytest.mark.slow
def test_the_road_under_the_camera_is_the_ground(hill: Town) -> None:
    empty = make_town("block", frames=300, size=(160, 120), slope=GRADE)
    for index in range(3, 300, 40):
        frame = empty.frame(index)
        rays = np.linalg.inv(frame.intrinsics) @ np.array([[80.5, 110.5, 1.0], [80.5, 95.5, 1.0]]).T
        points = frame.world_from_camera[:3, :3] @ (rays * frame.depth[[110, 95], [80, 80]])
        points = points.T + frame.world_from_camera[:3, 3]
        np.testing.assert_allclose(points[:, 2], Terrain(GRADE).height(points[:, 0]), atol=1e-3)


@pytest.mark.slow
def test_the_camera_is_carried_at_its_height_and_looks_along_the_ramp(hill: Town) -> None:
    poses, flat = hill.path.world_from_camera, make_town("block", frames=300, size=(16, 16)).path.world_from_camera
    over = poses[:, 2, 3] - Terrain(GRADE).height(poses[:, 0, 3])
    assert np.abs(over - EYE_M).max() < 0.06 + GRADE * AXLES_M / 4
    amid = np.abs(poses[:, 0, 3]) < 12
    level = np.abs(poses[:, 1, 2]) < 0.05  # drives east or west
    rise = poses[:, 2, 2] - flat[:, 2, 2]
    np.testing.assert_allclose(rise[amid & level], GRADE * np.sign(poses[amid & level, 0, 2]), atol=0.01)
    np.testing.assert_allclose(np.linalg.det(poses[:, :3, :3]), 1.0)


def test_cars_ahead_keep_their_distance_on_the_ground(hill: Town) -> None:
    for index in (0, 50, 150):
        cars = [mover.at(float(hill.path.timestamps[index])) for mover in hill.scene.movers]
        camera = hill.path.world_from_camera[index, :2, 3]
        gaps = [np.linalg.norm(car.origin[:, :2].mean(axis=0) - camera) for car in cars]
        assert 8 < gaps[0] < 12.5 < gaps[1] < 24.5
        wheels = min(cars[0].origin[:, 2] + np.minimum(cars[0].edges[:, :, 2], 0).sum(axis=1))
        assert wheels == pytest.approx(float(Terrain(GRADE).height(cars[0].origin[:, 0].mean())), abs=0.3)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"cars_ahead": -1}, "0 to 5 cars can drive ahead, not -1"),
        ({"cars_ahead": 1, "path": "drone"}, "on the paths block and eight only"),
        ({"slope": 0.05, "path": "handheld"}, "on the paths block and eight only"),
        ({"slope": 0.5}, "the slope must lie between"),
        ({"slope": float("nan")}, "the slope must lie between"),
    ],
)
def test_what_cannot_be_is_refused(options: dict, sentence: str) -> None:
    with pytest.raises(SyntheticError, match=sentence):
        make_town(**{"path": "block", "frames": 20, **options})
