"""COPC files as laspy reads them, which has no part in their octree."""

from __future__ import annotations

from dataclasses import replace

import laspy
import lazrs
import numpy as np
import pytest
from laspy.copc import Bounds, CopcReader

from da3_stream.cloud.files.copc import create_copc
from da3_stream.cloud.files.laz import LasLayout, create_las
from da3_stream.cloud.octree.building import build_octree
from da3_stream.errors import StoreError
from tests.cloud.octree.made_points import LATTICE, SMALL, TINY_MEMORY, hills, records_at
from tests.cloud.octree.test_building import CASES

LAYOUT = LasLayout(LATTICE.step, LATTICE.offset, extras={"number": np.int32}, crs="EPSG:32632", note="{}")


def written(path, records, limits=SMALL, layout=LAYOUT):
    with build_octree([records], LATTICE, path.parent, limits) as tree, create_copc(path, layout, tree) as copc:
        for node in tree.nodes:
            copc.write(node)
    return path


def xyz_of(points):
    return np.stack([points.x, points.y, points.z], axis=-1)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_point_is_there_once_with_its_place_and_colour_also_for_readers_of_laz(tmp_path, name):
    records = CASES[name]
    path = written(tmp_path / "cloud.copc.laz", records, TINY_MEMORY)
    with CopcReader.open(path) as reader:
        found, header = reader.query(), reader.header
    for points in (found, laspy.read(path)):
        order = np.argsort(points.number)
        np.testing.assert_array_equal(np.asarray(points.number)[order], records["number"])
        np.testing.assert_array_equal(xyz_of(points)[order], LATTICE.positions(records))
        colours = np.stack([points.red, points.green, points.blue], axis=-1)[order]
        np.testing.assert_array_equal(colours, records["rgb"] * np.uint16(257))
        assert (np.asarray(points.return_number) == 1).all() and (np.asarray(points.number_of_returns) == 1).all()
    xyz = LATTICE.positions(records)
    np.testing.assert_array_equal([header.mins, header.maxs], [xyz.min(axis=0), xyz.max(axis=0)])
    assert header.point_count == len(records) and header.parse_crs().to_epsg() == 32632


@pytest.mark.slow
def test_a_query_by_bounds_gives_the_points_that_lie_there(tmp_path):
    records, rng = hills(20_000), np.random.default_rng(3)
    xyz = LATTICE.positions(records)
    with CopcReader.open(written(tmp_path / "cloud.copc.laz", records)) as reader:
        for _ in range(10):
            ends = xyz[rng.integers(len(xyz), size=2)]
            low, high = ends.min(axis=0), ends.max(axis=0)
            inside = np.flatnonzero(((xyz >= low) & (xyz <= high)).all(axis=1))
            assert np.sort(reader.query(Bounds(low, high)).number).tolist() == inside.tolist()


@pytest.mark.slow
def test_a_query_by_level_gives_an_even_sample_of_that_spacing(tmp_path):
    records = hills(20_000)
    with CopcReader.open(written(tmp_path / "cloud.copc.laz", records)) as reader:
        spacing, whole = reader.copc_info.spacing, xyz_of(reader.query())
        levels = [reader.query(level=level).number for level in range(6)]
        np.testing.assert_array_equal(np.sort(np.concatenate(levels)), records["number"])
        assert spacing == 2 * reader.copc_info.halfsize / 128
        coarse = xyz_of(reader.query(level=0))
        assert len(coarse) < len(reader.query(resolution=spacing / 1.9)) < len(whole)
        low = reader.copc_info.center - reader.copc_info.halfsize
    cells = [np.unique(np.floor((xyz - low) / spacing), axis=0) for xyz in (coarse, whole)]
    assert len(coarse) == len(cells[0]) == len(cells[1]) < len(whole)
    nearest = np.abs(coarse[:, None, :2] - whole[None, ::50, :2]).max(axis=2).min(axis=0)
    assert nearest.max() < 2 * spacing


def test_the_table_of_chunks_has_one_for_each_node_and_none_that_is_empty(tmp_path):
    """lazrs adds empty ones (findings/lazrs_finish_before_done.sh), behind which it reads nothing."""
    path = written(tmp_path / "cloud.copc.laz", hills(20_000))
    with CopcReader.open(path) as reader:
        counts = [entry.point_count for entry in reader.root_page.entries.values()]
    with laspy.open(path) as reader, path.open("rb") as file:
        file.seek(reader.header.offset_to_point_data)
        packing = lazrs.LazVlr(reader.header.vlrs.get("LasZipVlr")[0].record_data)
        chunks = [count for count, _ in lazrs.read_chunk_table(file, packing)]
    assert 0 not in chunks and sorted(chunks) == sorted(count for count in counts if count)


def test_the_root_of_no_points_is_empty(tmp_path):
    with CopcReader.open(written(tmp_path / "cloud.copc.laz", hills(0))) as reader:
        assert reader.header.point_count == 0 and not reader.header.maxs.any()
        assert reader.root_page.entries and all(entry.point_count == 0 for entry in reader.root_page.entries.values())


def test_equal_points_give_equal_bytes_and_normals_come_along(tmp_path):
    records = hills(5000)
    with_normals = np.zeros(len(records), [*records.dtype.descr, ("normal", "i1", 3)])
    for name in records.dtype.names:
        with_normals[name] = records[name]
    with_normals["normal"] = records["number"][:, None] % [127, 113, 101]
    layout = replace(LAYOUT, normals=True)
    one, other = (written(tmp_path / f"{name}.copc.laz", with_normals, layout=layout) for name in "ab")
    assert one.read_bytes() == other.read_bytes()
    points = laspy.read(one)
    normal = np.stack([points.NormalX, points.NormalY, points.NormalZ], axis=-1)[np.argsort(points.number)]
    np.testing.assert_allclose(normal, with_normals["normal"] / 127)


@pytest.mark.parametrize("kind", ["copc", "laz"])
def test_a_disk_that_is_full_is_one_sentence_and_leaves_what_was_there(tmp_path, kind, monkeypatch):
    import lazrs

    path = tmp_path / f"cloud.{kind}.laz"
    path.write_text("before")

    class Full:
        def __init__(self, *_):
            pass

        def __getattr__(self, name):
            def refuse(*_):
                raise lazrs.LazrsError("Failed to call write")

            return refuse

    monkeypatch.setattr(lazrs, "LasZipCompressor", Full)
    with pytest.raises(StoreError, match=r"cannot write .*: the disk refuses"):
        if kind == "copc":
            written(path, hills(10))
        else:
            with create_las(path, LAYOUT) as las:
                las.write(
                    LATTICE.offset[None].repeat(2, axis=0), np.zeros((2, 3), np.uint8), number=np.zeros(2, np.int32)
                )
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_coordinates_that_are_no_numbers_or_too_large_are_one_sentence():
    for value in (np.nan, np.inf, 1e9):
        with pytest.raises(StoreError, match="not finite, or too large"):
            LAYOUT.steps(np.array([[0.0, value, 0.0]]))
    assert LAYOUT.steps(LATTICE.offset[None] + 0.0024).tolist() == [[2, 2, 2]]


def test_the_records_of_the_header_are_in_the_order_that_copc_asks_for(tmp_path):
    path = written(tmp_path / "cloud.copc.laz", records_at(np.zeros((3, 3))))
    data = path.read_bytes()
    assert data[:4] == b"LASF" and data[24:26] == bytes([1, 4]) and data[104] == 128 + 7  # format 7, compressed
    assert data[377:381] == b"copc" and int.from_bytes(data[393:395], "little") == 1  # at 375, its data at 429
    place, size = (int.from_bytes(data[at : at + 8], "little") for at in (469, 477))
    assert size == 32 and place + size == len(data) and data[place - 60 + 2 : place - 54] == b"copc"
