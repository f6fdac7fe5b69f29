"""The tables that a page gets put every point where the run's own readers put it."""

from __future__ import annotations

import gzip
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from da3_stream.cloud.pages import read_page
from da3_stream.cloud.transform import points_in_world
from da3_stream.store import RunReader
from da3_stream.viewer import RunView
from da3_stream.viewer.tables import WantedRows

from .conftest import decode_cameras, decode_frames, decode_poses, serving


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
        frames, cameras = decode_frames(view.frames()), decode_cameras(view.cameras())
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
        cameras["intrinsics"][5][:4], [depth_k[0, 0], depth_k[1, 1], depth_k[0, 2], depth_k[1, 2]]
    )
    assert tuple(cameras["intrinsics"][5][4:]) == reader.depth_size(5)


def test_pieces_of_a_table_are_the_table(street):
    with RunView(street.path) as view:
        now = view.snapshot()
        whole, cameras = decode_poses(view.poses()), decode_cameras(view.cameras())
        rows, wanted = [], WantedRows(most=10)
        while not rows or wanted.first:
            piece = decode_poses(now.poses.pack_submaps(wanted))
            assert decode_cameras(now.poses.pack_cameras(wanted))["row"].tolist() == piece["row"].tolist()
            rows += piece["row"].tolist()
            wanted = replace(wanted, first=piece["following"])
        coarse = decode_cameras(now.poses.pack_cameras(WantedRows(step=5)))
        frames = [decode_frames(now.frames.pack(first, 10)) for first in (0, 10, 20)]
    assert rows == whole["row"].tolist() == list(range(28))
    assert (coarse["row"].tolist(), coarse["following"]) == ([0, 5, 10, 15, 20, 25], 0)
    np.testing.assert_array_equal(coarse["translation"], cameras["translation"][::5])
    np.testing.assert_array_equal(coarse["intrinsics"], cameras["intrinsics"][::5])
    assert [len(piece["time"]) for piece in frames] == [10, 10, 8]
    assert np.concatenate([piece["source_index"] for piece in frames]).tolist() == list(range(28))


def test_tables_are_sent_compressed_to_who_takes_that(street):
    with serving(street.path) as client:
        plain = client.get("/poses")
        status, body, headers = client.get("/poses", Accept_Encoding="gzip, deflate, br")
        _, script, other = client.get("/assets/page.js", Accept_Encoding="gzip")
    assert status == plain[0] == 200
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Vary"] == plain[2]["Vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == plain[1] and len(body) < len(plain[1])
    assert int(headers["Content-Length"]) == len(body)
    assert (
        "Content-Encoding" not in plain[2]
        and "Content-Encoding" not in other
        and int(other["Content-Length"]) == len(script)
    )
