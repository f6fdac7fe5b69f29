from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from da3_stream.errors import StoreError
from da3_stream.store import (
    create_run,
    read_cameras,
    read_frame,
    read_images,
    read_masks,
    read_sky,
    read_submap,
    read_witnesses,
    write_submap,
)
from da3_stream.store.quantise import (
    confidence_range,
    decode_confidence,
    decode_depth,
    encode_confidence,
    encode_depth,
)
from da3_stream.types import median_depth
from tests.worlds.street import SIZE, SOURCE_SIZE, SUBMAPS, street_part

positive = st.floats(2.0**-7, 2.0**7, width=32)
anything = st.floats(width=32, allow_nan=True, allow_infinity=True)


def test_geometry_comes_back_exactly_and_pixels_within_the_stated_error(tmp_path):
    run, part = create_run(tmp_path / "run"), replace(street_part(1), frame_status=("OK",) * 11 + ("HELD",))
    write_submap(run, 1, part)
    back = read_submap(run, 1)
    for name in ("frame_indices", "timestamps", "window_from_camera", "intrinsics", "owned"):
        np.testing.assert_array_equal(getattr(back, name), getattr(part, name))
    assert (back.status, back.frame_status, back.source_size) == ("OK", part.frame_status, SOURCE_SIZE)
    assert (back.frame_status[0], back.frame_status[11], back.depth_size) == ("OK", "HELD", SIZE)
    np.testing.assert_allclose(back.depth, part.depth, rtol=2**-11)
    np.testing.assert_allclose(back.confidence, part.confidence, rtol=0.01)
    assert back.median_depth == part.median_depth == median_depth(part.depth)


def test_intrinsics_at_the_input_follow_the_size(tmp_path):
    part = street_part(0)
    np.testing.assert_allclose(part.source_intrinsics()[0], part.intrinsics[0] * [[2], [2], [1]])


@given(arrays(np.float32, (3, 4), elements=positive))
def test_depth_keeps_eleven_bits(depth):
    median = median_depth(depth)
    np.testing.assert_allclose(decode_depth(encode_depth(depth, median), median), depth, rtol=2**-11 * 1.01)


@given(arrays(np.float32, (3, 4), elements=anything))
def test_any_depth_is_stored_as_a_finite_one_and_none_stays_none(depth):
    back = decode_depth(encode_depth(depth, 1.0), 1.0)
    assert np.isfinite(back).all()
    np.testing.assert_array_equal(back > 0, np.isfinite(depth) & (depth > 0))


@given(arrays(np.float32, (3, 4), elements=st.one_of(st.just(0.0), positive)))
def test_confidence_keeps_its_stated_precision_and_zero(confidence):
    bounds = confidence_range(confidence)
    back = decode_confidence(encode_confidence(confidence, bounds), bounds)
    np.testing.assert_array_equal(back == 0, confidence == 0)
    np.testing.assert_allclose(back, confidence, rtol=np.expm1(np.log(bounds[1] / bounds[0]) / 508) + 1e-6)


@given(arrays(np.float32, (3, 4), elements=anything))
def test_any_confidence_is_stored_as_a_finite_one(confidence):
    bounds = confidence_range(confidence)
    back = decode_confidence(encode_confidence(confidence, bounds), bounds)
    assert np.isfinite(back).all()
    np.testing.assert_array_equal(back > 0, np.isfinite(confidence) & (confidence > 0))


def test_equal_windows_have_equal_bytes(tmp_path):
    digests = []
    for name in "ab":
        run = create_run(tmp_path / name)
        write_submap(run, 0, street_part(0))
        digests.append(hashlib.sha256(run.submap_path(0).read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_numpy_opens_a_window_and_finds_an_entry_per_frame_and_kind(tmp_path):
    run = create_run(tmp_path / "run")
    write_submap(run, 2, street_part(2))
    with np.load(run.submap_path(2)) as entries:
        _, _, first, end = SUBMAPS[2]
        assert {f"{kind}_{i:06d}" for kind in ("depth", "confidence") for i in range(first, end)} <= set(entries.files)
        assert "depth_000017" not in entries.files
        assert entries["depth_000018"].dtype == np.float16 and entries["confidence_000018"].dtype == np.uint8


def test_reading_one_frame_reads_no_other(tmp_path, monkeypatch):
    run = create_run(tmp_path / "run")
    write_submap(run, 0, street_part(0))
    opened, original = [], zipfile.ZipFile.open

    def spy(self, name, *args, **kwargs):
        opened.append(getattr(name, "filename", name))
        return original(self, name, *args, **kwargs)

    monkeypatch.setattr(zipfile.ZipFile, "open", spy)
    read_frame(run, 0, 5)
    frames = {name for name in opened if name.split("_")[-1].removesuffix(".npy").isdigit()}
    assert frames == {"depth_000005.npy", "confidence_000005.npy"}
    opened.clear()
    read_cameras(run, 0)
    assert not any(name.startswith("depth_0") for name in opened)


def test_pictures_are_kept_where_they_are_given(tmp_path):
    run, part = create_run(tmp_path / "run"), street_part(0)
    shade = np.tile(np.linspace(0, 255, 40), (30, 1))
    pictures = tuple(np.stack([shade + 0 * k, shade / 2, 0 * shade + k], 2).astype(np.uint8) for k in range(10))
    write_submap(run, 0, replace(part, images=pictures))
    assert np.abs(read_images(run, 0, [5])[0].astype(int) - pictures[5]).max() <= 6
    with pytest.raises(KeyError, match="no picture of frame 11"):
        read_images(run, 0, [11])[0]
    with pytest.raises(StoreError, match="a submap has 1 images of"):
        write_submap(run, 1, replace(part, images=pictures[:1]))
    write_submap(run, 1, part)
    with pytest.raises(KeyError, match="no picture of frame 5"):
        read_images(run, 1, [5])[0]


def test_a_frame_of_another_submap_is_a_key_error(tmp_path):
    run = create_run(tmp_path / "run")
    write_submap(run, 0, street_part(0))
    with pytest.raises(KeyError, match="no depth of frame 11"):
        read_frame(run, 0, 11)


def test_a_submap_that_owns_nothing_is_stored(tmp_path):
    run, part = create_run(tmp_path / "run"), street_part(0)
    nothing = replace(part, owned=np.zeros(12, bool), depth=part.depth[:0], confidence=part.confidence[:0])
    write_submap(run, 0, nothing)
    assert read_submap(run, 0).depth.shape == (0, SIZE[1], SIZE[0])


@pytest.mark.parametrize("damage", ["torn", "empty", "garbage", "foreign", "missing", "flipped"])
def test_a_damaged_window_is_one_sentence(tmp_path, damage):
    run = create_run(tmp_path / "run")
    write_submap(run, 0, street_part(0))
    path = run.submap_path(0)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[60:80] = bytes(20)
    contents = {"torn": whole[: len(whole) // 2], "empty": b"", "garbage": b"\x93NUMPY" * 9, "flipped": bytes(flipped)}
    if damage == "missing":
        path.unlink()
    elif damage == "foreign":
        np.savez(path, a=np.zeros(3))
    else:
        path.write_bytes(contents[damage])
    with pytest.raises(StoreError, match="is (damaged|missing)"):
        read_submap(run, 0)


def test_arrays_that_do_not_go_together_are_refused(tmp_path):
    run, part = create_run(tmp_path / "run"), street_part(0)
    with pytest.raises(StoreError, match="depth has shape"):
        write_submap(run, 0, replace(part, depth=part.depth[:-1]))
    with pytest.raises(StoreError, match="ascending frame_indices"):
        write_submap(run, 0, replace(part, frame_indices=part.frame_indices[::-1]))


def with_sky(part):
    return replace(part, sky=np.random.default_rng(0).random(part.depth.shape) < 0.3)


def test_the_sky_comes_back_frame_by_frame_and_with_the_window(tmp_path):
    run, part = create_run(tmp_path / "run"), with_sky(street_part(1))
    write_submap(run, 1, part)
    for k, index in enumerate(part.frame_indices[part.owned].tolist()):
        np.testing.assert_array_equal(read_sky(run, 1, index), part.sky[k])
    np.testing.assert_array_equal(read_submap(run, 1).sky, part.sky)
    with np.load(run.submap_path(1)) as entries:
        assert entries["sky_000012"].dtype == np.uint8 and entries["sky_000012"].size == SIZE[0] * SIZE[1] // 8
    with pytest.raises(KeyError, match="no depth of frame 9"):
        read_sky(run, 1, 9)


def test_a_sky_whose_pixels_fill_no_whole_byte_comes_back(tmp_path):
    run, part = create_run(tmp_path / "run"), street_part(1)
    odd = {name: getattr(part, name)[:, :31, :45] for name in ("depth", "confidence")}
    odd = with_sky(replace(part, **odd, depth_size=(45, 31)))
    write_submap(run, 1, odd)
    np.testing.assert_array_equal(read_sky(run, 1, 12), odd.sky[2])


def test_a_window_without_sky_is_the_same_file_as_ever(tmp_path):
    run = create_run(tmp_path / "run")
    write_submap(run, 0, street_part(0))
    assert read_sky(run, 0, 5) is None and read_submap(run, 0).sky is None
    with zipfile.ZipFile(run.submap_path(0)) as archive:
        assert not any(name.startswith("sky") for name in archive.namelist())


def test_a_sky_of_another_shape_is_refused(tmp_path):
    part = street_part(0)
    with pytest.raises(StoreError, match="a node's sky has shape"):
        write_submap(create_run(tmp_path / "run"), 0, replace(part, sky=np.zeros((2, 3, 4), bool)))


def test_what_a_pose_was_judged_by_comes_back_with_the_judgement(tmp_path):
    run, plain = create_run(tmp_path / "run"), street_part(1)
    n = len(plain.frame_indices)
    confident = np.linspace(0, 1, n, dtype=np.float32)
    witnesses = {"step": np.arange(n, dtype=np.float32), "turn": np.full(n, np.nan, np.float32)}
    write_submap(run, 1, replace(plain, pose_confidence=confident, witnesses=witnesses))
    np.testing.assert_array_equal(read_cameras(run, 1).pose_confidence, confident)
    for back in (read_witnesses(run, 1), read_submap(run, 1).witnesses):
        assert set(back) == set(witnesses)
        for name, values in witnesses.items():
            np.testing.assert_array_equal(back[name], values)
    write_submap(run, 1, plain)
    assert read_cameras(run, 1).pose_confidence is None and read_witnesses(run, 1) == {}


def test_witnesses_of_another_count_of_frames_are_refused(tmp_path):
    with pytest.raises(StoreError, match="every witness"):
        write_submap(create_run(tmp_path / "run"), 0, replace(street_part(0), witnesses={"step": np.zeros(3)}))


def with_masks(part):
    """Two distinct masks, of which the second is two equal arrays, and a frame of which all counts."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 2, (2, 7, 5)).astype(np.bool_)
    masks = [first, first, second, second.copy(), None]
    return replace(part, masks=tuple((masks * int(part.owned.sum()))[: int(part.owned.sum())]))


def test_masks_come_back_and_each_distinct_one_is_kept_once(tmp_path):
    run, part = create_run(tmp_path / "run"), with_masks(street_part(1))
    write_submap(run, 1, part)
    back = read_submap(run, 1).masks
    assert [m is None for m in back] == [m is None for m in part.masks] and back[0] is back[1] and back[2] is back[3]
    for stored, wanted in zip(back, part.masks, strict=True):
        np.testing.assert_array_equal(stored, wanted)
    owned = part.frame_indices[part.owned].tolist()
    (late, early) = read_masks(run, 1, [owned[3], owned[0]])
    assert (late == part.masks[3]).all() and (early == part.masks[0]).all()
    with np.load(run.submap_path(1)) as entries:
        assert sorted(name for name in entries if name.startswith("mask")) == [
            "mask_0",
            "mask_1",
            "mask_of_frame",
            "mask_size",
        ]
    with pytest.raises(KeyError):
        read_masks(run, 1, [999])


def test_a_submap_without_masks_reads_as_before(tmp_path):
    run, part = create_run(tmp_path / "run"), street_part(1)
    write_submap(run, 1, part)
    assert read_submap(run, 1).masks == () and read_masks(run, 1, part.frame_indices[part.owned][:2].tolist()) == (
        None,
        None,
    )


def test_masks_that_do_not_go_with_the_frames_are_refused(tmp_path):
    run, part = create_run(tmp_path / "run"), street_part(1)
    mask = np.ones((7, 5), np.bool_)
    with pytest.raises(StoreError, match="masks"):
        write_submap(run, 1, replace(part, masks=(mask,)))
    with pytest.raises(StoreError, match="masks"):
        write_submap(run, 1, replace(part, masks=(mask, mask[1:], *(None,) * (int(part.owned.sum()) - 2))))
