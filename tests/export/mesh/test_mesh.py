from __future__ import annotations

import io
import sys

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from da3_stream.cloud import FileAxes, read_ply
from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.export.gltf import builder as gltf_builder
from da3_stream.export.mesh import files as mesh_files
from da3_stream.export.mesh import tsdf as mesh_module
from da3_stream.export.mesh.welding import VERTEX
from da3_stream.export.options import MeshOptions
from tests.export.gltf_files import linear, read_glb
from tests.worlds.exported_run import off_the_street, whole_run
from tests.worlds.street import PAGES

pytestmark = pytest.mark.slow

STEEP = PAGES.model_copy(update={"max_depth_step": 0.15})  # so that the ground is no edge in these small maps


@pytest.fixture
def run(tmp_path):
    if mesh_extra_is_absent():
        pytest.skip("open3d is not installed")
    return whole_run(tmp_path / "run", STEEP)


def mesh_extra_is_absent() -> bool:
    try:
        mesh_module.import_open3d()
    except ExportError:
        return True
    return False


def meshed(run, **options):
    path, summary = export_run(run.path, "mesh", None, {"min_triangles": 100, **options}, overwrite=True)
    return trimesh.load(path, process=False, force="mesh"), summary


def test_the_surface_lies_on_the_street(run):
    mesh, summary = meshed(run)
    voxel = mesh_module.world_voxel(*geometry_and_settings(run))
    away = off_the_street(np.asarray(mesh.vertices))
    assert (
        summary.startswith(f"{len(mesh.faces):,} triangles, {len(mesh.vertices):,} vertices") and len(mesh.faces) > 3000
    )
    assert np.median(away) < voxel / 2 and away.max() < 2 * voxel
    assert mesh.vertices[:, 2].max() > 15 and mesh.vertices[:, 0].min() < -3.9 and mesh.vertices[:, 0].max() > 3.9
    assert mesh.is_winding_consistent
    ground = abs(mesh.triangles_center[:, 1] - 1.5) < voxel / 2
    assert np.median(mesh.face_normals[ground, 1]) < -0.9  # towards the cameras, above


def geometry_and_settings(run):
    from da3_stream.store import RunReader

    reader = RunReader.open(run.path)
    return reader.geometry, mesh_module._colour_selection(reader, MeshOptions()).settings


@pytest.mark.slow
def test_tiles_meet_without_a_seam(run, monkeypatch):
    whole = triangles_of(meshed(run)[0])
    monkeypatch.setattr(mesh_module, "_CUBES", 1)
    cut, _ = meshed(run)
    assert triangles_of(cut) == whole
    assert len(np.unique(np.asarray(cut.vertices, np.float32), axis=0)) == len(cut.vertices)


def triangles_of(mesh):
    corners = np.asarray(mesh.vertices, np.float32)[mesh.faces]
    return {frozenset(corner.tobytes() for corner in triangle) for triangle in corners}


def test_vertices_have_the_colour_of_the_nearest_point_of_the_cloud(run):
    mesh, _ = meshed(run)
    xyz, rgb = read_ply(export_run(run.path, "ply", None, {"fusion": "off"}).path)
    expected = rgb[cKDTree(xyz).query(np.asarray(mesh.vertices, np.float32))[1]]
    assert (np.asarray(mesh.visual.vertex_colors)[:, :3] == expected).all(axis=1).mean() > 0.95  # but near seams


def test_colours_are_of_all_points_whatever_the_runs_limit(run, tmp_path):
    limited = whole_run(tmp_path / "limited", STEEP.model_copy(update={"max_points": 50}))
    every, some = (np.asarray(meshed(given)[0].visual.vertex_colors) for given in (run, limited))
    np.testing.assert_array_equal(some, every)


def test_small_components_are_left_out(run):
    whole, large = (meshed(run, min_triangles=count)[0] for count in (1, 300))
    sizes, kept = (pieces_of(mesh) for mesh in (whole, large))
    assert sizes[0] < 300 < sizes[-1]
    np.testing.assert_array_equal(kept, sizes[sizes >= 300])


def pieces_of(mesh):
    """How many triangles hang together, ascending."""
    label = trimesh.graph.connected_component_labels(mesh.edges_unique, len(mesh.vertices))
    return np.sort(np.unique(label[mesh.faces[:, 0]], return_counts=True)[1])


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["glb", "obj"])
def test_glb_and_obj_are_upright_and_equal_to_the_ply(run, encoding):
    ply, _ = meshed(run)
    other, _ = meshed(run, encoding=encoding)
    np.testing.assert_allclose(np.asarray(other.vertices), ply.vertices * [1, -1, -1], atol=1e-4)
    np.testing.assert_array_equal(other.faces, ply.faces)
    if encoding == "obj":
        lines = (run.path / "export" / "mesh.obj").read_text().splitlines()
        normals = np.array([line.split()[1:] for line in lines if line.startswith("vn ")], np.float64)
        np.testing.assert_allclose(normals, open3d_reads(run).vertex_normals * np.array([1, -1, -1]), atol=1e-4)
        colours = (np.asarray(m.visual.vertex_colors)[:, :3].astype(int) for m in (other, ply))
        assert abs(np.subtract(*colours)).max() <= 1


def test_open3d_opens_the_ply(run):
    mesh, _ = meshed(run)
    read = open3d_reads(run)
    np.testing.assert_allclose(np.asarray(read.vertices), mesh.vertices, atol=1e-5)
    assert len(read.triangles) == len(mesh.faces) and read.has_vertex_colors()


def open3d_reads(run):
    return mesh_module.import_open3d().io.read_triangle_mesh(str(run.path / "export" / "mesh.ply"))


def test_a_coarser_voxel_gives_fewer_triangles(run):
    fine, coarse = (meshed(run, voxel=voxel, min_triangles=1)[0] for voxel in (0.02, 0.08))
    assert len(coarse.faces) < len(fine.faces) / 4


def test_where_nothing_is_left_the_old_one_stays(run):
    meshed(run)
    before = (run.path / "export" / "mesh.ply").read_bytes()
    with pytest.raises(ExportError, match="no surface is left: give a lower min_triangles"):
        meshed(run, min_triangles=10**9)
    assert [p.name for p in (run.path / "export").iterdir()] == ["mesh.ply"]
    assert (run.path / "export" / "mesh.ply").read_bytes() == before


def test_a_glb_is_lit_by_nothing_and_its_colours_are_linear(run):
    ply, _ = meshed(run)
    meshed(run, encoding="glb")
    glb = read_glb(run.path / "export" / "mesh.glb")
    np.testing.assert_array_equal(glb.attribute("mesh", "POSITION"), np.asarray(ply.vertices, np.float32))
    rgb = np.asarray(ply.visual.vertex_colors)[:, :3]
    assert abs(glb.attribute("mesh", "COLOR_0")[:, :3] - linear(rgb)).max() <= 0.5 / 65535 + 1e-12
    normals = glb.attribute("mesh", "NORMAL")
    areas = trimesh.Trimesh(ply.vertices, ply.faces, process=False)
    expected = np.zeros((len(normals), 3))
    np.add.at(expected, areas.faces.ravel(), np.repeat(areas.face_normals * areas.area_faces[:, None], 3, axis=0))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.quantile(np.sum(normals * expected, axis=1), 0.001) > 0.999
    np.testing.assert_allclose(normals, np.asarray(open3d_reads(run).vertex_normals), atol=1e-6)


def test_too_much_for_a_glb_is_one_sentence(run, monkeypatch):
    monkeypatch.setattr(gltf_builder, "_MAX_BYTES", 100_000)
    with pytest.raises(ExportError, match="more than the 4.29 GB that a GLB can hold: give fewer points"):
        meshed(run, encoding="glb")


def test_two_frames_are_enough(run):
    mesh, _ = meshed(run, frames="10:12", min_triangles=10, confidence=0.0)
    assert off_the_street(np.asarray(mesh.vertices)).max() < 1


def test_without_open3d_one_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(ExportError, match=r"pip install 'da3_stream\[mesh\]'"):
        export_run(whole_run(tmp_path / "run").path, "mesh")


def test_an_obj_far_from_the_origin_keeps_every_digit():
    vertices = np.zeros(2, VERTEX)
    vertices["xyz"] = [[12345.678, -54321.12, 98765.43], [1e-4 / 3, 1 / 3, 1e5 / 3]]
    file = io.BytesIO()
    mesh_files._write_obj(file, iter([(vertices, np.zeros((0, 3), np.int64))]), FileAxes.world("relative"))
    read = [line.split()[1:4] for line in file.getvalue().decode().splitlines() if line.startswith("v ")]
    np.testing.assert_array_equal(np.array(read, np.float32), vertices["xyz"])
