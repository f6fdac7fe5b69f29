"""A mask keeps its meaning through resizing and straightening: what is made of a masked pixel is masked."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from da3_stream.geometry.keypoints import MAX_KEYPOINTS, detect_inside, extract_keypoints
from da3_stream.geometry.lens import Lens, Straightener
from da3_stream.geometry.masks import convert_masks, fill_masked, resize_mask, shrink_mask

SIZE = (160, 120)


def bonnet() -> np.ndarray:
    """All counts but the lower quarter."""
    mask = np.ones(SIZE[::-1], np.bool_)
    mask[90:] = False
    return mask


@pytest.mark.parametrize("size", [(80, 60), (320, 240), (112, 84), (160, 60)])
def test_a_resized_pixel_counts_only_where_all_of_it_does(size: tuple[int, int]) -> None:
    resized = resize_mask(bonnet(), size)
    border = 0.75 * size[1]
    assert resized.shape == size[::-1]
    assert not resized[int(np.floor(border)) :].any() and resized[: int(border) - 3].all()


def test_a_straightened_mask_covers_the_straightened_thing() -> None:
    straighten = Straightener(Lens(120, 120, 80, 60, -0.2), SIZE)
    image = np.where(bonnet(), 0, 255).astype(np.uint8)
    mask = straighten.mask(bonnet())
    assert mask.any() and not mask.all()
    assert (straighten(image)[mask] == 0).all()
    still = Straightener(Lens(120, 120, 80, 60), SIZE)
    assert still.mask(bonnet()) is not mask and still.mask(bonnet()).sum() == bonnet().sum()


def test_one_mask_for_several_frames_stays_one() -> None:
    mask = bonnet()
    first, none, second = convert_masks([mask, None, mask], lambda m: shrink_mask(m, 3))
    assert first is second and none is None and first is not None and first.sum() == 87 * 160
    assert convert_masks([None, None], lambda m: m) == ()


def test_what_is_filled_has_no_contrast_of_its_own() -> None:
    image = np.random.default_rng(0).integers(0, 255, (*SIZE[::-1], 3)).astype(np.uint8)
    filled = fill_masked(image, bonnet())
    assert (filled[:90] == image[:90]).all() and len(np.unique(filled[90:].reshape(-1, 3), axis=0)) == 1


def noise() -> np.ndarray:
    """Faint texture above, strong texture on what is masked."""
    rng = np.random.default_rng(1)
    image = rng.integers(80, 176, (480, 640)).astype(np.float32)
    image[360:] = rng.integers(0, 256, (120, 640))
    return np.clip(cv2.GaussianBlur(image, (0, 0), 1.5), 0, 255).astype(np.uint8)


def test_the_count_of_keypoints_is_spent_outside_the_mask() -> None:
    mask = np.ones((480, 640), np.bool_)
    mask[360:] = False
    (free,), (inside,) = extract_keypoints([noise()]), extract_keypoints([noise()], [mask])
    assert (free.xy[:, 1] > 360).sum() > 500
    assert (inside.xy[:, 1] < 360).all()
    assert len(inside.xy) == len(inside.descriptors) > (free.xy[:, 1] < 360).sum()


@pytest.mark.parametrize("most", [MAX_KEYPOINTS, 400])
def test_keypoints_of_an_enlarged_image_obey_a_mask_of_its_own_size(most: int) -> None:
    gray = noise()[240:480, ::2][:, :320]
    mask = np.ones(gray.shape, np.bool_)
    mask[120:] = False
    (inside,) = extract_keypoints([gray], [mask], most)
    assert 0 < len(inside.xy) <= most and (inside.xy[:, 1] < 120).all()


def test_a_small_image_is_enlarged_no_more_than_few_keypoints_need() -> None:
    blob = np.zeros((240, 320), np.float32)
    blob[100, 211] = 1.0
    gray = np.clip(60 + 9000 * cv2.GaussianBlur(blob, (0, 0), 4.0), 0, 255).astype(np.uint8)
    (all_of_them,), (few,) = extract_keypoints([gray]), extract_keypoints([gray], [], 400)
    for found in (all_of_them, few):
        assert np.abs(found.xy - [211.5, 100.5]).max() < 0.1


def test_where_all_is_masked_there_is_nothing() -> None:
    nothing = np.zeros((480, 640), np.bool_)
    (found,) = extract_keypoints([noise()], [nothing])
    assert found.xy.shape == (0, 2) and found.descriptors.shape == (0, 128)
    assert detect_inside(cv2.SIFT.create(), noise(), nothing, 10)[1] is None


def test_a_mask_of_which_all_counts_changes_nothing_but_the_order() -> None:
    (plain,), (masked,) = extract_keypoints([noise()]), extract_keypoints([noise()], [np.ones((480, 640), np.bool_)])
    assert {tuple(xy) for xy in masked.xy.tolist()} == {tuple(xy) for xy in plain.xy.tolist()}
