"""The tables that a page gets put every point where the run's own readers put it."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from da3_stream.cloud.pages import read_page
from da3_stream.cloud.transform import points_in_world
from da3_stream.store import RunReader
from da3_stream.viewer import RunView

from .conftest import decode_frames, decode_poses, serving


def test_a_point_by_its_frames_similarity_lies_where_the_cloud_has_it(street):
    reader = RunReader.open(street.path)
    with serving(street.path) as client:
        poses, frames = decode_poses(client.bytes("/poses")), decode_frames(client.bytes("/frames"))
        for submap in range(3):
            header = client.json(f"/submaps/{submap}")
            data = client.bytes(f"/points/{submap}?first=0&last={len(header['nodes']) - 1}")
            world, rgb = _in_world(header, data, poses, frames)
            expected = points_in_world(read_page(street, submap), reader.geometry, submap)
            order, other = np.lexsort(world.round(3).T), np.lexsort(expected.xyz.round(3).T)
            nearest = np.linalg.norm(world[order] - expected.xyz[other], axis=1)
            assert np.median(nearest) < 2e-3
            assert abs(world.mean(axis=0) - expected.xyz.mean(axis=0)).max() < 1e-3
            assert len(world) == len(expected)
            assert sorted(map(tuple, rgb.tolist())) == sorted(map(tuple, expected.rgb.tolist()))


def _in_world(header, data, poses, frames):
    row_of = {int(index): row for row, index in enumerate(frames["source_index"])}
    xyz, rgb, rows, offset = [], [], [], 0
    for node in header["nodes"]:
        n = node["points"]
        place = np.frombuffer(data, "<u2", 4 * n, offset).reshape(n, 4)
        colour = np.frombuffer(data, np.uint8, 4 * n, offset + 8 * n).reshape(n, 4)
        offset += 12 * n
        xyz.append(np.array(node["centre"]) - node["size"] / 2 + place[:, :3] / 65535 * node["size"])
        rgb.append(colour[:, :3])
        rows += [row_of[header["frames"][k]] for k in place[:, 3].tolist()]
    xyz = np.concatenate(xyz)
    rotation = Rotation.from_quat(poses["rotation"][rows]).as_matrix()
    turned = np.einsum("nij,nj->ni", rotation, xyz)
    return poses["scale"][rows, None] * turned + poses["translation"][rows], np.concatenate(rgb)


def test_rows_of_frames_are_those_of_the_run(street):
    reader = RunReader.open(street.path)
    with RunView(street.path) as view:
        frames, cameras = decode_frames(view.frames()), decode_poses(view.cameras())
        later = decode_frames(view.frames(20))
        empty = decode_frames(view.frames(99))
    assert frames["source_index"].tolist() == list(range(28))
    np.testing.assert_allclose(frames["time"], reader.poses.timestamp)
    np.testing.assert_allclose(cameras["translation"], reader.poses.world_from_camera[:, :3, 3])
    rotation = Rotation.from_quat(cameras["rotation"]).as_matrix()
    np.testing.assert_allclose(rotation, reader.poses.world_from_camera[:, :3, :3], atol=1e-6)
    np.testing.assert_allclose(cameras["scale"], reader.poses.depth_scale, rtol=1e-6)
    np.testing.assert_allclose(cameras["confidence"], reader.poses.confidence, rtol=1e-6)
    assert (later["first"], later["source_index"].tolist()) == (20, list(range(20, 28)))
    assert len(empty["source_index"]) == 0
    depth_k = reader.depth(5)[2]
    np.testing.assert_allclose(
        frames["intrinsics"][5][:4], [depth_k[0, 0], depth_k[1, 1], depth_k[0, 2], depth_k[1, 2]]
    )
    assert tuple(frames["intrinsics"][5][4:]) == reader.depth_size(5)
