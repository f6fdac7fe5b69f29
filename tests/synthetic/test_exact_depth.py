"""The depth is the scene's: by hand on single shapes, and from frame to frame on whole images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from da3_stream.geometry import intrinsics_from_hfov, pixel_centres, project, unproject
from da3_stream.synthetic import Town, TownFrame
from da3_stream.synthetic.rendering.cast import PinholeCamera, cast, ray_maps
from da3_stream.synthetic.scenes.shapes import Ball, Face, Shapes
from tests.worlds.towns import make_town

SIZE = (40, 30)
K = intrinsics_from_hfov(70.0, SIZE)


def depth_of(shapes: Shapes, pose: np.ndarray) -> np.ndarray:
    view = PinholeCamera(K, pose, SIZE)
    inverse = cast(shapes, ray_maps(shapes, view), view).inverse_depth[1::2, 1::2]
    return np.where(inverse > 0, 1.0 / np.where(inverse > 0, inverse, 1.0), 0.0)


def facing(distance: float, rotation: np.ndarray, half: float = 0.4, taper: float = 0.0) -> Face:
    right, down = 2 * half * rotation[:, 0], 2 * half * rotation[:, 1]
    centre = np.array([0.0, 0.0, distance])
    return Face(centre - (right + down) / 2, right, down, 0, taper=taper)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.8, 50.0), st.floats(-0.9, 0.9), st.floats(-0.9, 0.9), st.floats(0.1, 30.0), st.sampled_from([0.0, 1.0])
)
def test_a_face_has_the_depth_of_its_plane_within_its_outline(
    distance: float, yaw: float, pitch: float, half: float, taper: float
) -> None:
    rotation = Rotation.from_euler("yx", [yaw, pitch]).as_matrix()
    face = facing(distance, rotation, half, taper)
    depth = depth_of(Shapes.of([face]), np.eye(4))
    rays = unproject(pixel_centres(*SIZE[::-1]), np.ones(SIZE[::-1]), K)
    with np.errstate(divide="ignore"):
        t = distance * rotation[2, 2] / (rays @ rotation[:, 2])
    point = (rays * t[..., None] - face.origin) @ rotation[:, :2] / (2 * half)
    narrow = 0.5 * (1 - taper * (1 - point[..., 1]))
    margin = np.minimum(np.minimum(point[..., 1], 1 - point[..., 1]), narrow - np.abs(point[..., 0] - 0.5))
    inside, outside = (t > 0.06) & (margin > 1e-4), (t < 0) | (margin < -1e-4)
    np.testing.assert_allclose(depth[inside], t[inside], rtol=2e-5)
    assert not depth[outside].any()


def test_a_face_is_not_seen_from_behind() -> None:
    turned = Rotation.from_euler("y", np.pi).as_matrix()
    assert not depth_of(Shapes.of([facing(2.0, turned, half=5.0)]), np.eye(4)).any()


@settings(max_examples=40, deadline=None)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(1.5, 20.0), st.floats(0.05, 1.2))
def test_a_ball_has_the_depth_of_its_near_side(x: float, y: float, z: float, radius: float) -> None:
    centre = np.array([x, y, z])
    depth = depth_of(Shapes.of([], [Ball(centre, radius, 0)]), np.eye(4))
    rays = unproject(pixel_centres(*SIZE[::-1]), np.ones(SIZE[::-1]), K)
    length = np.linalg.norm(rays, axis=-1)
    along = rays @ centre / length
    disc = radius**2 - (centre @ centre - along**2)
    seen = disc > 1e-4
    np.testing.assert_allclose(depth[seen], ((along - np.sqrt(np.maximum(disc, 0))) / length)[seen], rtol=1e-3)
    assert not depth[disc < -1e-4].any()


def test_the_nearest_shape_hides_the_others() -> None:
    near, far = facing(2.0, np.eye(3), half=0.3), facing(5.0, np.eye(3), half=20.0)
    for faces in ([near, far], [far, near]):
        depth = depth_of(Shapes.of(faces, [Ball(np.array([0.0, 0.0, 8.0]), 1.0, 0)]), np.eye(4))
        assert set(np.unique(depth.round(3))) == {2.0, 5.0}


def carried(source: TownFrame, target: TownFrame) -> tuple[np.ndarray, np.ndarray]:
    """The source's colours as the target shows them, and where both see the same surface away from its rim."""
    pixels = pixel_centres(*source.depth.shape)
    target_from_source = np.linalg.inv(target.world_from_camera) @ source.world_from_camera
    points = (
        unproject(pixels, source.depth, source.intrinsics) @ target_from_source[:3, :3].T + target_from_source[:3, 3]
    )
    pixels = (project(points, target.intrinsics) - 0.5).astype(np.float32)
    colour = cv2.remap(target.image, pixels, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lowest, highest = (
        cv2.remap(op(target.depth, np.ones((3, 3))), pixels, None, cv2.INTER_NEAREST) for op in (cv2.erode, cv2.dilate)
    )
    z = points[..., 2]
    return colour, (source.depth > 0) & (lowest > 0.97 * z) & (highest < 1.03 * z)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["block", "handheld", "drone"])
def test_a_point_keeps_its_colour_from_frame_to_frame(path: str) -> None:
    town = make_town(path, frames=300, size=(320, 240))
    for index in (30, 100):
        source, target = town.frame(index), town.frame(index + 1)
        colour, visible = carried(source, target)
        difference = np.abs(colour.astype(float) - source.image)[visible]
        assert visible.mean() > 0.35
        assert np.median(difference) <= 3
        assert np.percentile(difference, 90) < 16
        assert np.median(np.abs(target.image.astype(float) - source.image)[visible]) > 2 * np.median(difference)


@pytest.mark.slow
def test_the_sky_is_where_there_is_no_depth(street: Town) -> None:
    frame = street.frame(10)
    sky = frame.depth == 0
    assert 0.05 < sky[:60].mean() < 0.9
    assert not sky[90:].any()
    assert frame.image[sky][:, 2].mean() > frame.image[~sky][:, 2].mean() + 50
    assert (frame.depth[~sky] > 0.5).all()
    assert (frame.depth[~sky] < 700).all()
