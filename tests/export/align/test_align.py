"""`align`: any PLY file upright, with all it holds; read back by trimesh, open3d, and numpy by the format's text."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from da3_stream.errors import ExportError
from da3_stream.export.align.aligning import align_ply
from da3_stream.export.exporting import export_run
from da3_stream.export.mesh.tsdf import import_open3d
from tests.worlds.exported_run import whole_run
from tests.worlds.table_run import BALL, run_round_the_table
from tests.worlds.table_top import ball, table

TURN = Rotation.from_euler("xyz", [70, -40, 100], degrees=True).as_matrix()
SCENE = np.concatenate([table(), ball(800, z=0.05)])  # the table at -0.3, a ball over it
LAYOUT = [
    ("x", "f8"), ("y", "f8"), ("z", "f8"), ("intensity", "u2"), ("nx", "f4"), ("ny", "f4"), ("nz", "f4"), ("red", "u1"),
    ("label", "i4"),
]  # fmt: skip
NAMES = {"f8": "double", "f4": "float", "u1": "uchar", "u2": "ushort", "i4": "int", "i1": "char"}
MARK = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": "="}


def vertices(points=SCENE, layout=LAYOUT):
    rng = np.random.default_rng(0)
    rows = np.zeros(len(points), layout)
    for k, name in enumerate("xyz"):
        rows[name] = points[:, k]
    normals = rng.normal(size=(len(points), 3))
    for k, name in enumerate(("nx", "ny", "nz")):
        rows[name] = (normals / np.linalg.norm(normals, axis=1, keepdims=True))[:, k]
    for name in set(rows.dtype.names) - {"x", "y", "z", "nx", "ny", "nz"}:
        rows[name] = rng.integers(0, 100, len(points)) if rows.dtype[name].kind != "f" else rng.normal(size=len(points))
    return rows


def write(path, rows, format="binary_little_endian", extra="", behind=b"", comments=("made up",)):
    lines = [f"property {NAMES[rows.dtype[name].str[1:]]} {name}" for name in rows.dtype.names]
    head = ["ply", f"format {format} 1.0", *(f"comment {text}" for text in comments), f"element vertex {len(rows)}"]
    data = rows.astype([(name, MARK[format] + rows.dtype[name].str[1:]) for name in rows.dtype.names]).tobytes()
    if format == "ascii":
        data = "".join(" ".join(repr(value.item()) for value in row) + "\n" for row in rows).encode()
    path.write_bytes(("\n".join([*head, *lines]) + f"\n{extra}end_header\n").encode() + data + behind)
    return path


def read(path, layout=LAYOUT):
    """(rows, bytes behind them, header) by the text of the format."""
    head, data = path.read_bytes().split(b"end_header\n", 1)
    format, count = re.search(rb"format (\w+)", head)[1].decode(), int(re.search(rb"element vertex (\d+)", head)[1])
    if format == "ascii":
        table = np.array([line.split() for line in data.decode().splitlines()[:count]], float)
        rows = np.zeros(count, layout)
        for k, (name, _) in enumerate(layout):
            rows[name] = table[:, k]
        return rows, b"", head.decode()
    stored = np.dtype([(name, MARK[format] + kind) for name, kind in layout])
    size = count * stored.itemsize
    return np.frombuffer(data[:size], stored), data[size:], head.decode()


def xyz(rows, names=("x", "y", "z")):
    return np.stack([rows[name] for name in names], axis=1).astype(float)


def matrix_beside(path):
    return np.loadtxt(path.with_name(f"{path.name}.matrix.txt"))


@pytest.mark.parametrize("format", MARK)
def test_all_properties_come_through_and_the_table_lies_at_zero(tmp_path, format):
    rows = vertices(SCENE @ TURN.T)
    source = write(tmp_path / "in.ply", rows, format)
    result = align_ply(source, tmp_path / "out.ply")
    out, _, head = read(tmp_path / "out.ply")
    matrix = matrix_beside(tmp_path / "out.ply")
    np.testing.assert_array_equal(matrix, result.matrix)
    np.testing.assert_allclose(xyz(out), xyz(rows) @ matrix[:3, :3].T + matrix[:3, 3], atol=1e-12)
    np.testing.assert_allclose(
        xyz(out, ("nx", "ny", "nz")), xyz(rows, ("nx", "ny", "nz")) @ matrix[:3, :3].T, atol=1e-6
    )
    for name in ("intensity", "red", "label"):
        np.testing.assert_array_equal(out[name], rows[name])
    np.testing.assert_allclose(xyz(out)[:, 2], SCENE[:, 2] + 0.3, atol=0.01)  # z up, the table at 0
    assert "comment made up\n" in head and f"format {format}" in head
    stated = json.loads(re.search(r"file_from_input: (.*)", head)[1])
    np.testing.assert_array_equal(stated, matrix)


@pytest.mark.slow
def test_other_readers_find_the_same(tmp_path):
    open3d = import_open3d()
    source = write(tmp_path / "in.ply", vertices(SCENE @ TURN.T + 1e6))  # needs doubles
    align_ply(source, tmp_path / "out.ply")
    expected = xyz(read(tmp_path / "out.ply")[0])
    cloud = open3d.io.read_point_cloud(str(tmp_path / "out.ply"))
    np.testing.assert_allclose(np.asarray(cloud.points), expected, atol=1e-9)
    np.testing.assert_allclose(trimesh.load(tmp_path / "out.ply").vertices, expected, atol=1e-6)


def test_up_that_is_given_decides_the_sign(tmp_path):
    mirrored = np.concatenate([table(), ball(800), ball(4000, z=-0.7)])
    source = write(tmp_path / "in.ply", vertices(mirrored))
    assert align_ply(source, tmp_path / "a.ply").matrix[2, 2] < -0.99  # more points are below
    result = align_ply(source, tmp_path / "b.ply", up="0.1,0,0.9")
    assert result.matrix[2, 2] > 0.9999 and "--up for its sign" in result.summary  # exact though --up is rough
    assert align_ply(source, tmp_path / "c.ply", up="0,0,-1").matrix[2, 2] < -0.9999
    sideways = align_ply(source, tmp_path / "d.ply", up="1,1,0")  # across no plane: taken as it is
    np.testing.assert_allclose(sideways.matrix[2, :3], [0.5**0.5, 0.5**0.5, 0], atol=1e-9)
    for text in ("up", "0,0,0", "1,2", "nan,0,1", "0,0,1e-320"):
        with pytest.raises(ExportError, match="--up takes auto, or a direction x,y,z"):
            align_ply(source, tmp_path / "e.ply", up=text)


def test_it_says_how_sure_it_is(tmp_path):
    sure = align_ply(write(tmp_path / "in.ply", vertices()), tmp_path / "out.ply")
    assert re.search(r"within \d\.\d degrees \(sigma\), its sign 8\d\.\d% sure", sure.summary)
    even = vertices(np.concatenate([table(), ball(800), ball(790, z=-0.6)]))
    unsure = align_ply(write(tmp_path / "even.ply", even), tmp_path / "even_out.ply")
    assert "give --up x,y,z" in unsure.summary


@pytest.mark.slow
def test_the_cameras_of_its_run_decide(tmp_path):
    run = run_round_the_table(tmp_path / "run")
    aligned = align_ply(run / "cloud.ply", tmp_path / "out.ply", crop="object")
    points = np.asarray(trimesh.load(tmp_path / "out.ply").vertices)
    assert points[:, 2].max() == pytest.approx(2 * BALL, abs=0.03) and points[:, 2].min() > -0.03
    assert "cameras and plane of" in aligned.summary and "cropped to sphere:" in aligned.summary
    exported = export_run(run, "ply", tmp_path / "upright.ply", {"axes": "upright"}).path
    again = align_ply(exported, tmp_path / "again.ply", run=run)
    assert again.matrix[2, 2] == pytest.approx(1.0, abs=1e-6)  # it was upright already
    head = (tmp_path / "again.ply").read_bytes().split(b"end_header")[0].decode()
    record = json.loads(re.search(r"file_from_world: (.*)", head)[1])
    before = json.loads(re.search(r"file_from_world: (.*)", exported.read_bytes().split(b"end_header")[0].decode())[1])
    np.testing.assert_allclose(record, again.matrix @ np.array(before), atol=1e-9)
    assert head.count("file_from_world") == 1 and 'axes: "upright"' in head


def test_without_cameras_there_is_no_object(tmp_path):
    source = write(tmp_path / "in.ply", vertices())
    with pytest.raises(ExportError, match="no cameras are known of .*in.ply"):
        align_ply(source, tmp_path / "out.ply", crop="object")
    with pytest.raises(ExportError, match="circle nothing"):
        align_ply(source, tmp_path / "out.ply", crop="object", run=whole_run(tmp_path / "run").path)
    assert not (tmp_path / "out.ply").exists()


FACE = np.dtype([("n", "u1"), ("v", "<i4", 3), ("material", "u1")])
FACE_LINES = "element face {}\nproperty list uchar int vertex_indices\nproperty uchar material\n"


def faces(count):
    rng = np.random.default_rng(3)
    rows = np.zeros(500, FACE)
    rows["n"], rows["v"], rows["material"] = 3, rng.integers(0, count, (500, 3)), rng.integers(0, 9, 500)
    return rows


@pytest.mark.parametrize("crop", ["sphere:0,0,0.35,0.5", "box:-0.4,-0.4,-0.1,0.4,0.4,2"])
def test_a_cropped_mesh_keeps_whole_triangles_with_their_vertices(tmp_path, crop):
    rows = vertices()
    triangles = faces(len(rows))
    source = write(tmp_path / "in.ply", rows, extra=FACE_LINES.format(500), behind=triangles.tobytes())
    align_ply(source, tmp_path / "whole.ply", up="0,0,1")
    assert read(tmp_path / "whole.ply")[1] == triangles.tobytes()
    align_ply(source, tmp_path / "out.ply", up="0,0,1", crop=crop)
    whole, (out, behind, _) = read(tmp_path / "whole.ply")[0], read(tmp_path / "out.ply")
    points = xyz(whole)
    inside = np.linalg.norm(points - [0, 0, 0.35], axis=1) <= 0.5
    if crop.startswith("box"):
        inside = ((points >= [-0.4, -0.4, -0.1]) & (points <= [0.4, 0.4, 2])).all(axis=1)
    np.testing.assert_array_equal(out, whole[inside])
    kept = triangles[inside[triangles["v"]].all(axis=1)]
    found = np.frombuffer(behind, FACE)
    np.testing.assert_array_equal(out["label"][found["v"]], whole["label"][kept["v"]])
    np.testing.assert_array_equal(found["material"], kept["material"])
    assert len(trimesh.load(tmp_path / "out.ply", process=False).faces) == len(kept) > 0


REST = [(f"f_rest_{k}", "f4") for k in range(45)]
SPLAT = [
    *((name, "f4") for name in ("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2")), *REST,
    *((name, "f4") for name in ("opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3")),
]  # fmt: skip


def colour(coefficients, d):
    """Of a splat in a direction, without the mean, as its trainer computes it (degrees 1 to 3)."""
    x, y, z = d
    xx, yy, zz, xy, yz, xz = x * x, y * y, z * z, x * y, y * z, x * z
    basis = [
        -0.4886025119029199 * y, 0.4886025119029199 * z, -0.4886025119029199 * x,
        1.0925484305920792 * xy, -1.0925484305920792 * yz, 0.31539156525252005 * (2 * zz - xx - yy),
        -1.0925484305920792 * xz, 0.5462742152960396 * (xx - yy),
        -0.5900435899266435 * y * (3 * xx - yy), 2.890611442640554 * xy * z,
        -0.4570457994644658 * y * (4 * zz - xx - yy),
        0.3731763325901154 * z * (2 * zz - 3 * xx - 3 * yy), -0.4570457994644658 * x * (4 * zz - xx - yy),
        1.445305721320277 * z * (xx - yy), -0.5900435899266435 * x * (xx - 3 * yy),
    ]  # fmt: skip
    return coefficients @ np.array(basis)


def test_splats_keep_their_shapes_and_colours_from_everywhere(tmp_path):
    rows = vertices(SCENE @ TURN.T, SPLAT)
    align_ply(write(tmp_path / "in.ply", rows), tmp_path / "out.ply")
    out, turn = read(tmp_path / "out.ply", SPLAT)[0], matrix_beside(tmp_path / "out.ply")[:3, :3]
    for name in ("opacity", "scale_0", "scale_1", "scale_2", "f_dc_1"):
        np.testing.assert_array_equal(out[name], rows[name])

    def covariances(splats):
        q = np.stack([splats[f"rot_{k}"] for k in range(4)], axis=1)
        axes = Rotation.from_quat(q, scalar_first=True).as_matrix()
        sizes = np.exp(2 * np.stack([splats[f"scale_{k}"] for k in range(3)], axis=1)).astype(float)
        return axes * sizes[:, None] @ axes.transpose(0, 2, 1)

    np.testing.assert_allclose(covariances(out[:50]), turn @ covariances(rows[:50]) @ turn.T, rtol=1e-4, atol=1e-4)
    for direction in np.random.default_rng(1).normal(size=(5, 3)):
        d = direction / np.linalg.norm(direction)
        for channel in range(3):
            names = [f"f_rest_{15 * channel + k}" for k in range(15)]
            before, after = (np.stack([splats[name] for name in names], axis=1)[:50] for splats in (rows, out))
            np.testing.assert_allclose(colour(after, turn @ d), colour(before, d), atol=1e-4)


def test_what_cannot_be_turned_rightly_is_refused(tmp_path):
    rows = vertices()
    bad = {
        "no PLY file: expected a header": (tmp_path / "text.ply", b"hello\n"),
        "damaged: its header promises 3,800 rows": (write(tmp_path / "cut.ply", rows), None),
    }
    (tmp_path / "text.ply").write_bytes(b"hello\n")
    (tmp_path / "cut.ply").write_bytes((tmp_path / "cut.ply").read_bytes()[:-5])
    for message, (path, _) in bad.items():
        with pytest.raises(ExportError, match=message):
            align_ply(path, tmp_path / "out.ply")
    whole_numbers = vertices(layout=[(name, "i4" if name in "xyz" else kind) for name, kind in LAYOUT])
    fewer = vertices(layout=[*LAYOUT, ("f_dc_0", "f4"), *((f"rot_{k}", "f4") for k in range(4)), ("f_rest_0", "f4")])
    cases = {
        "as whole numbers, which a turn would round": write(tmp_path / "i.ply", whole_numbers),
        "1 f_rest properties": write(tmp_path / "s.ply", fewer),
        "camera with view_px, which would not": write(
            tmp_path / "c.ply", rows, extra="element camera 1\nproperty float view_px\n", behind=b"\0" * 4
        ),
    }
    for message, path in cases.items():
        with pytest.raises(ExportError, match=message):
            align_ply(path, tmp_path / "out.ply")
    quads = faces(len(rows))
    quads["n"][7] = 4
    source = write(tmp_path / "q.ply", rows, extra=FACE_LINES.format(500), behind=quads.tobytes())
    with pytest.raises(ExportError, match="faces that are no triangles"):
        align_ply(source, tmp_path / "out.ply", crop="sphere:0,0,0,1")
    with pytest.raises(ExportError, match="no point lies in sphere:9,9,9,1"):
        align_ply(write(tmp_path / "e.ply", rows), tmp_path / "out.ply", crop="sphere:9,9,9,1")
    with pytest.raises(ExportError, match="z.ply holds no points"):
        align_ply(write(tmp_path / "z.ply", rows[:0]), tmp_path / "out.ply")
    with pytest.raises(ExportError, match="cannot read .*absent.ply"):
        align_ply(tmp_path / "absent.ply", tmp_path / "out.ply")
    assert not (tmp_path / "out.ply").exists()


def test_what_exists_is_only_replaced_when_asked(tmp_path):
    source = write(tmp_path / "in.ply", vertices())
    (tmp_path / "out.ply").write_bytes(b"mine")
    with pytest.raises(ExportError, match="exists already"):
        align_ply(source, tmp_path / "out.ply")
    assert (tmp_path / "out.ply").read_bytes() == b"mine"
    first = align_ply(source, source, overwrite=True).matrix  # in place
    assert len(read(source)[0]) == len(SCENE) and first.shape == (4, 4)
