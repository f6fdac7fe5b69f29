from __future__ import annotations

import io

import numpy as np
import pytest
import trimesh

from da3_stream.errors import ExportError
from da3_stream.export.gltf import builder as gltf_builder
from da3_stream.export.gltf import write_points_glb
from da3_stream.geometry import Sim3
from tests.export.gltf_files import linear, read_glb

PLACE = np.array([691_000.25, 5_334_000.75, 519.5])  # of a map, beyond what float32 has
HALF_A_STEP = 0.5 / 65535 + 1e-12


def cloud(count=300):
    rng = np.random.default_rng(7)
    xyz = rng.uniform(-20, 20, (count, 3)) + PLACE
    return xyz, rng.integers(0, 256, (count, 3), dtype=np.uint8), rng.normal(size=(count, 3)).astype(np.float32)


def glb_of(*points, **options):
    file = io.BytesIO()
    write_points_glb(file, *points, **options)
    return file.getvalue()


def test_points_far_from_the_origin_keep_their_places_and_have_y_up():
    xyz, rgb, _ = cloud()
    glb = read_glb(glb_of(xyz, rgb))
    np.testing.assert_allclose(glb.placed("points"), xyz[:, [0, 2, 1]] * [1, 1, -1], atol=2e-6)
    own = read_glb(glb_of(xyz, rgb, gltf_from_points=Sim3.identity()))
    np.testing.assert_allclose(own.placed("points"), xyz, atol=2e-6)


def test_trimesh_finds_them_there_too():
    xyz, rgb, _ = cloud()
    scene = trimesh.load(io.BytesIO(glb_of(xyz, rgb, extras={"units": "m"})), file_type="glb")
    (points,) = scene.dump()
    np.testing.assert_allclose(points.vertices, xyz[:, [0, 2, 1]] * [1, 1, -1], atol=1e-5)
    assert scene.metadata["units"] == "m"


def test_colours_are_the_linear_values_of_the_bytes_and_every_byte_keeps_its_own():
    rgb = np.stack([np.arange(256, dtype=np.uint8)] * 3, axis=1)
    found = read_glb(glb_of(np.zeros((256, 3)), rgb)).attribute("points", "COLOR_0")
    assert abs(found[:, :3] - linear(rgb)).max() <= HALF_A_STEP and (found[:, 3] == 1).all()
    assert len(np.unique(found[:, 0])) == 256


def test_normals_have_unit_length_and_an_unknown_one_is_z():
    xyz, rgb, normals = cloud()
    normals[3] = 0
    found = read_glb(glb_of(xyz, rgb, normals)).attribute("points", "NORMAL")
    known = np.delete(normals, 3, axis=0)
    np.testing.assert_allclose(
        np.delete(found, 3, axis=0), known / np.linalg.norm(known, axis=1, keepdims=True), atol=1e-6
    )
    assert found[3].tolist() == [0, 0, 1]


def test_one_point_without_normals():
    xyz, rgb, _ = cloud(1)
    glb = read_glb(glb_of(xyz, rgb))
    np.testing.assert_array_equal(glb.placed("points"), xyz[:, [0, 2, 1]] * [1, 1, -1])
    assert set(glb.tree["meshes"][0]["primitives"][0]["attributes"]) == {"POSITION", "COLOR_0"}


def test_equal_points_give_equal_bytes():
    assert glb_of(*cloud()) == glb_of(*cloud())


def test_arrays_that_wait_on_disk_give_the_same_bytes(monkeypatch, tmp_path):
    whole = glb_of(*cloud())
    monkeypatch.setattr(gltf_builder, "_IN_MEMORY", 100)
    assert glb_of(*cloud(), folder=tmp_path) == whole and not list(tmp_path.iterdir())


def test_more_than_a_glb_can_hold_is_one_sentence(monkeypatch):
    monkeypatch.setattr(gltf_builder, "_MAX_BYTES", 5000)
    with pytest.raises(ExportError, match="more than the 4.29 GB that a GLB can hold: give fewer points"):
        glb_of(*cloud())
