from __future__ import annotations

import hashlib

import laspy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from da3_stream.cloud import Points, count_points, read_page, write_page
from da3_stream.cloud.pages import level_order
from da3_stream.errors import StoreError
from da3_stream.store import create_run


def some_points(count, extent=10.0, voxel=0.01):
    rng = np.random.default_rng(count)
    return Points(
        rng.normal(size=(count, 3)).astype(np.float32) * np.float32(extent),
        rng.integers(0, 256, (count, 3), dtype=np.uint8),
        np.sort(rng.integers(0, 50, count)).astype(np.int32),
        rng.uniform(0.1, 30, count).astype(np.float32),
        voxel,
    )


@pytest.mark.parametrize("count", [0, 1, 2, 5000])
def test_a_page_comes_back_within_its_rounding(tmp_path, count):
    run, points = create_run(tmp_path / "run"), some_points(count)
    write_page(run, 3, points)
    back, order = read_page(run, 3), level_order(count)
    assert count_points(run, 3) == len(back) == count
    np.testing.assert_allclose(back.xyz, points.xyz[order], atol=0.01 / 2**8)
    np.testing.assert_array_equal(back.rgb, points.rgb[order])
    np.testing.assert_array_equal(back.frame, points.frame[order])
    np.testing.assert_allclose(back.confidence, points.confidence[order], rtol=2**-7)
    assert back.voxel == pytest.approx(0.01)


def test_a_page_of_any_extent_comes_back(tmp_path):
    run, points = create_run(tmp_path / "run"), some_points(100, extent=1e7)
    write_page(run, 0, points)
    np.testing.assert_allclose(read_page(run, 0).xyz, points.xyz[level_order(100)], atol=0.1)


def test_equal_pages_have_equal_bytes(tmp_path):
    digests = []
    for name in "ab":
        run = create_run(tmp_path / name)
        write_page(run, 0, some_points(2000))
        digests.append(hashlib.sha256(run.page_path(0).read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_other_tools_see_colour_frame_and_confidence(tmp_path):
    run, points = create_run(tmp_path / "run"), some_points(10)
    write_page(run, 0, points)
    records = laspy.read(run.page_path(0))
    assert (records.header.version.minor, records.header.point_format.id) == (4, 7)
    assert list(records.point_format.extra_dimension_names) == ["confidence", "frame"]
    np.testing.assert_array_equal(records.red, points.rgb[level_order(10), 0].astype(int) * 257)


@given(st.integers(0, 5000), st.sampled_from([1, 2, 8, 256, 1024]))
def test_the_beginning_of_a_page_is_an_even_sample(count, every):
    order = level_order(count)
    np.testing.assert_array_equal(np.sort(order), np.arange(count))
    np.testing.assert_array_equal(np.sort(order[: -(-count // every)]), np.arange(0, count, every))


def test_a_sampled_page_holds_every_nth_point(tmp_path):
    run, points = create_run(tmp_path / "run"), some_points(5000)
    write_page(run, 0, points)
    sampled = read_page(run, 0, every=8)
    assert len(sampled) == 625
    np.testing.assert_array_equal(np.sort(sampled.frame), points.frame[::8])


@pytest.mark.parametrize("damage", ["torn", "beheaded", "empty", "garbage", "missing"])
def test_a_damaged_page_is_one_sentence(tmp_path, damage):
    run = create_run(tmp_path / "run")
    write_page(run, 0, some_points(60000))
    path = run.page_path(0)
    whole = path.read_bytes()
    contents = {
        "torn": whole[: len(whole) // 2],
        "beheaded": whole[100:],
        "empty": b"",
        "garbage": b"LASF" + bytes(500),
    }
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(contents[damage])
    with pytest.raises(StoreError, match="is (damaged|missing)"):
        read_page(run, 0)
