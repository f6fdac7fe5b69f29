from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import trimesh

from da3_stream.errors import StoreError
from da3_stream.export.exporting import export_run
from da3_stream.geometry import project
from tests.worlds.exported_run import off_the_street, whole_run
from tests.worlds.street import SOURCE_SIZE, intrinsics, world_from_camera

GLTF_FROM_WORLD = np.diag([1.0, -1, -1])  # the street's cameras stand upright


@pytest.fixture
def run(tmp_path):
    return whole_run(tmp_path / "run")


def document(path):
    """The JSON of a GLB and its binary chunk, by the specification."""
    data = path.read_bytes()
    magic, version, length = struct.unpack("<4sII", data[:12])
    size, kind = struct.unpack("<I4s", data[12:20])
    assert (magic, version, length, kind) == (b"glTF", 2, len(data), b"JSON")
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def test_trimesh_finds_the_points_upright_in_their_colours(run):
    path, summary = export_run(run.path, "glb")
    scene, cloud = trimesh.load(path), trimesh.load(export_run(run.path, "ply").path)
    points = scene.geometry["points"]
    assert path.name == "scene.glb" and summary.startswith(f"{len(points.vertices):,} points in relative units")
    np.testing.assert_allclose(points.vertices, cloud.vertices @ GLTF_FROM_WORLD, atol=1e-5)
    np.testing.assert_array_equal(points.colors, cloud.colors)
    assert off_the_street(points.vertices @ GLTF_FROM_WORLD).max() < 0.01
    assert points.vertices[:, 1].min() == pytest.approx(-1.5, abs=0.01)
    assert scene.metadata["units"] == "relative"


def test_frusta_stand_at_the_cameras_and_open_to_the_corners_of_the_image(run):
    scene = trimesh.load(export_run(run.path, "glb", None, {"cameras": 3}).path)
    ends = np.asarray(scene.geometry["cameras"].vertices) @ GLTF_FROM_WORLD
    k = np.diag([2.0, 2.0, 1.0]) @ intrinsics()  # the input is twice the depth map
    width, height = SOURCE_SIZE
    corners = {(0, 0), (width, 0), (width, height), (0, height)}
    found = [set(), set(), set()]
    for end in ends:
        for n, frame in enumerate((0, 13, 27)):
            pose = world_from_camera(frame)
            local = (end - pose[:3, 3]) @ pose[:3, :3]
            if np.linalg.norm(local) < 1e-4:
                found[n].add("centre")
            elif local[2] > 1e-4:
                found[n].add(tuple(np.round(project(local, k), 1).tolist()))
    assert all(corners | {"centre"} <= seen for seen in found)


def test_the_path_goes_through_all_cameras(run):
    scene = trimesh.load(export_run(run.path, "glb").path)
    path = np.unique(np.round(np.asarray(scene.geometry["path"].vertices) @ GLTF_FROM_WORLD, 4), axis=0)
    centres = np.stack([world_from_camera(frame)[:3, 3] for frame in range(28)])
    np.testing.assert_allclose(path[np.argsort(path[:, 2])], centres, atol=2e-4)


def test_the_document_is_valid_where_viewers_look(run):
    path, _ = export_run(run.path, "glb")
    tree, binary = document(path)
    assert [submap["name"] for submap in tree["nodes"]] == ["points", "cameras", "path"]
    assert tree["scenes"][0]["extras"]["units"] == "relative" and tree["asset"]["version"] == "2.0"
    for submap, mode in zip(tree["nodes"], (0, 1, 1), strict=True):
        (primitive,) = tree["meshes"][submap["mesh"]]["primitives"]
        assert primitive["mode"] == mode
        position, colour = (tree["accessors"][primitive["attributes"][name]] for name in ("POSITION", "COLOR_0"))
        assert position["componentType"] == 5126 and position["type"] == "VEC3"
        assert colour["componentType"] == 5121 and colour["normalized"] and colour["count"] == position["count"]
        view = tree["bufferViews"][position["bufferView"]]
        values = np.frombuffer(binary, "<f4", 3 * position["count"], view.get("byteOffset", 0)).reshape(-1, 3)
        np.testing.assert_allclose([position["min"], position["max"]], [values.min(0), values.max(0)], rtol=1e-6)


def test_max_points_and_no_cameras(run):
    scene = trimesh.load(export_run(run.path, "glb", None, {"max_points": 100, "cameras": 0}).path)
    assert scene.geometry["points"].vertices.shape == (100, 3) and "cameras" not in scene.geometry


def test_one_frame_without_a_path(run):
    scene = trimesh.load(export_run(run.path, "glb", None, {"frames": "5:6"}).path)
    assert set(scene.geometry) == {"points", "cameras"}


def test_a_failure_leaves_the_old_one(run):
    path, _ = export_run(run.path, "glb")
    before = path.read_bytes()
    run.page_path(1).unlink()
    with pytest.raises(StoreError, match=r"000001\.laz is missing"):
        export_run(run.path, "glb", overwrite=True)
    assert path.read_bytes() == before and [p.name for p in path.parent.iterdir()] == ["scene.glb"]
