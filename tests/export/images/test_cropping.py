"""What is left of straight images: all that every lens saw, and nothing that none did."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.errors import ExportError
from da3_stream.export.images.camera import ImageCamera
from da3_stream.export.images.cropping import Box, box_of_seen
from da3_stream.geometry.lens import Lens, Straightener

SIZE = (64, 48)


def matrix(focal: float, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    return np.array([[focal, 0, SIZE[0] / 2 + x], [0, focal, SIZE[1] / 2 + y], [0, 0, 1.0]])


@pytest.mark.parametrize("off", [(0.0, 0.0), (7.3, -4.1)])
@pytest.mark.parametrize("k1", [0.1, 0.3])
def test_all_of_it_was_seen_and_little_more_was(k1: float, off: tuple[float, float]) -> None:
    ks = np.stack([matrix(50.0, *off), matrix(44.0, *off)])
    box = box_of_seen(ks, k1, SIZE)
    seen = [Straightener(Lens(k[0, 0], k[1, 1], k[0, 2], k[1, 2], k1), SIZE).seen() for k in ks]
    both = np.logical_and(*seen)
    assert box.cut(both).all() and not both.all()
    wider = Box(box.left - 3, box.top - 3, box.width + 6, box.height + 6)
    assert not wider.cut(both).all()


def test_of_a_lens_that_bends_inwards_or_not_at_all_everything_is_left() -> None:
    for k1 in (0.0, -0.2):
        assert box_of_seen(matrix(50.0)[None], k1, SIZE) == (0, 0, *SIZE)


def test_where_nothing_is_left_that_is_one_sentence() -> None:
    ks = np.stack([matrix(50.0, 31.0, 23.0), matrix(50.0, -31.0, -23.0)])
    with pytest.raises(ExportError, match="export them as they are"):
        box_of_seen(ks, 50.0, SIZE)


@pytest.mark.parametrize("k1", [0.0, 0.2, -0.2])
def test_pixels_are_those_of_rays_until_the_polynomial_folds(k1: float) -> None:
    camera = ImageCamera(SIZE, Lens(50.0, 52.0, 31.0, 25.0, k1))
    rng = np.random.default_rng(0)
    xy = rng.uniform([0, 0], SIZE, (50, 2)).astype(np.float32)
    np.testing.assert_allclose(camera.pixels(camera.rays(xy)), xy, atol=1e-3)
    far = camera.pixels(np.array([[9.0, 0.0]]))
    assert np.isnan(far).all() == (k1 < 0)
