"""Images reach the network pixel by pixel as the original prepares them."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from da3_stream.da3.backbone.embedding import normalise_images
from da3_stream.da3.preprocess import prepare
from da3_stream.errors import ModelError

# OpenCV resizes by Intel's IPP, whose kernels differ from processor to processor by one count in a few pixels: on a
# machine with AVX2 2 values of 51744 are not those of the vectors. (Without IPP 7 % of them would not be.)
MOST_OTHER = 1e-4
FLOATS = "float_tensor_img03_upper_bound_resize"


def test_every_pixel_agrees(goldens: Path, recipe: ModuleType) -> None:
    expected = np.load(goldens / "preproc_images.npz")
    cases = json.loads((goldens / "preproc_images_meta.json").read_text())
    assert set(expected.files) - set(cases) == {FLOATS, "mixed_batch_u8", "mixed_K_in", "mixed_K_out"}
    for name, case in cases.items():
        image = recipe.images(1, case["h"], case["w"], case["seed"])[0]
        (made,) = prepare([image], case["process_res"], case["method"])
        assert made.image.shape == expected[name].shape, name
        difference = np.abs(made.image.astype(int) - expected[name])
        assert difference.max() <= 1 and (difference > 0).mean() <= MOST_OTHER, name


@pytest.mark.slow
def test_sizes_and_intrinsics_agree(goldens: Path) -> None:
    rows = json.loads((goldens / "preproc_shapes.json").read_text())
    for row in rows:
        (made,) = prepare([np.zeros((row["h"], row["w"], 3), np.uint8)], row["process_res"], row["method"])
        assert made.image.shape == (row["out_h"], row["out_w"], 3), row
        np.testing.assert_allclose(made.intrinsics(np.array(row["K_in"])), row["K_out"], rtol=1e-6, atol=1e-6)
    assert len(rows) > 200


def test_images_of_different_sizes_keep_what_all_have(goldens: Path, recipe: ModuleType) -> None:
    case = np.load(goldens / "preproc_images.npz")
    sizes = ((120, 90, 420), (90, 120, 421), (120, 60, 422))
    made = prepare([recipe.images(1, h, w, seed)[0] for w, h, seed in sizes], 112)
    np.testing.assert_array_equal([one.image for one in made], case["mixed_batch_u8"])
    found = [one.intrinsics(k) for one, k in zip(made, case["mixed_K_in"].astype(float), strict=True)]
    np.testing.assert_allclose(found, case["mixed_K_out"], rtol=1e-6, atol=1e-6)


def test_values_are_scaled_as_imagenet_has_them(goldens: Path, recipe: ModuleType) -> None:
    (made,) = prepare([recipe.images(1, 90, 120, 403)[0]], 112)
    expected = np.load(goldens / "preproc_images.npz")[FLOATS]
    np.testing.assert_array_equal(normalise_images(torch.from_numpy(made.image)), expected)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([], "there are no images"),
        ([np.zeros((4, 5), np.uint8)], r"must be \[H,W,3\] of 8-bit RGB"),
        ([np.zeros((4, 5, 3), np.float32)], r"must be \[H,W,3\] of 8-bit RGB"),
        ([np.zeros((4, 500, 3), np.uint8)], "500x4 is too thin at resolution 504"),
    ],
)
def test_what_is_no_image_is_refused(images: list[np.ndarray], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        prepare(images)


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="'squeeze'; known are upper_bound_resize"):
        prepare([np.zeros((14, 14, 3), np.uint8)], method="squeeze")
