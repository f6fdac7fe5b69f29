from __future__ import annotations

import io

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from da3_stream.export.gltf import GltfBuilder, Lens, add_flight, camera_places, key_times
from da3_stream.geometry import intrinsics_matrix, project
from tests.export.gltf_files import camera_pixel, read_glb

OBLONG = Lens(intrinsics_matrix(310.0, 290.0, 170.0, 112.0), (320, 240))  # of no square pixels, its centre off


def flight(count=40):
    """Poses [N,4,4] that turn about more than once: quaternions pass through both signs."""
    pose = np.tile(np.eye(4), (count, 1, 1))
    pose[:, :3, :3] = Rotation.from_euler(
        "yx", np.stack([np.linspace(0, 9, count), np.linspace(0, 1, count)], 1)
    ).as_matrix()
    pose[:, :3, 3] = np.stack([np.linspace(0, 5, count), np.sin(np.arange(count)), np.linspace(0, -3, count)], axis=1)
    return pose


def flown(times, poses):
    file = io.BytesIO()
    with GltfBuilder() as gltf:
        translation, rotation = camera_places(poses[:1])
        camera = gltf.add("cameras", OBLONG.as_json(0.01))
        node = gltf.add(
            "nodes",
            {"name": "flight", "camera": camera, "translation": translation[0], "rotation": rotation[0]},
        )
        add_flight(gltf, node, "flight", times, poses)
        gltf.write(file, {"nodes": [node]})
    return read_glb(file.getvalue())


def test_a_known_point_is_seen_at_its_pixel_though_pixels_are_not_square_and_the_centre_is_off():
    poses = flight()
    glb = flown(np.arange(40.0), poses)
    point = (poses[0] @ [0.3, -0.2, 2.0, 1])[:3]
    expected = project(np.array([0.3, -0.2, 2.0]), OBLONG.intrinsics)
    np.testing.assert_allclose(camera_pixel(glb, "flight", point), expected, atol=1e-4)


def test_quaternions_take_the_short_way_from_frame_to_frame():
    glb = flown(np.arange(40.0), flight())
    turns = glb.values(glb.tree["animations"][0]["samplers"][1]["output"])
    assert (np.sum(turns[1:] * turns[:-1], axis=1) > 0.9).all() and turns[:, 0].min() < -0.1 and turns[:, 0].max() > 0.9


def test_between_frames_the_flight_is_what_viewers_make_of_it_by_the_standard():
    times, poses = np.array([0.0, 0.5, 2.0]), flight(9)[::4]
    glb = flown(times, poses)
    for moment in (0.0, 0.2, 0.5, 1.25, 2.0):
        found = glb.moved("flight", moment)
        expected = [np.interp(moment, times, poses[:, axis, 3]) for axis in range(3)]
        turned = Slerp(times, Rotation.from_matrix(poses[:, :3, :3] @ np.diag([1.0, -1, -1])))(moment).as_matrix()
        np.testing.assert_allclose(found, np.vstack([np.column_stack([turned, expected]), [0, 0, 0, 1]]), atol=1e-6)


@pytest.mark.parametrize(
    ("times", "seconds", "rows"),
    [
        ([5.0, 5.1, 5.2], [0, 0.1, 0.2], [0, 1, 2]),
        ([5.0, 5.1, 5.1, 5.05, 5.2], [0, 0.1, 0.2], [0, 1, 4]),
        ([1.7e9, 1.7e9 + 0.25, 1.7e9 + 0.5], [0, 0.25, 0.5], [0, 1, 2]),
        ([5.0], [0], [0]),
    ],
)
def test_times_begin_at_the_start_and_ascend(times, seconds, rows):
    found, kept = key_times(times, times[0])
    np.testing.assert_allclose(found, seconds, atol=1e-6)
    assert kept.tolist() == rows
