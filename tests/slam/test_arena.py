"""Arrays that stay for a whole run lie side by side."""

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from da3_stream.slam.arena import Arena


@pytest.mark.parametrize("shape", [(), (0,), (0, 3, 3), (5,), (60, 4, 4)])
@pytest.mark.parametrize("kind", ["float64", "int64", "bool"])
def test_what_is_kept_is_equal(shape: tuple[int, ...], kind: str) -> None:
    array = (np.arange(np.prod(shape, dtype=int)) % 7).reshape(shape).astype(kind)
    kept = Arena().copy(array)
    np.testing.assert_array_equal(kept, array)
    assert (kept.dtype, kept.shape) == (array.dtype, array.shape)
    assert not np.shares_memory(kept, array)


def test_arrays_share_blocks_and_not_bytes() -> None:
    shelf, rng = Arena(), np.random.default_rng(0)
    arrays = [rng.random(rng.integers(0, 3000)) for _ in range(200)] + [rng.random(3) < 0.5 for _ in range(50)]
    kept = [shelf.copy(array) for array in arrays]
    for array, mine in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(mine, array)
    assert len({id(mine.base) for mine in kept}) < 20


def test_an_array_larger_than_a_block_has_one_of_its_own() -> None:
    shelf, large = Arena(), np.arange(100_000.0)
    small = shelf.copy(np.ones(3))
    np.testing.assert_array_equal(shelf.copy(large), large)
    np.testing.assert_array_equal(small, 1.0)


def test_a_transform_keeps_its_bits() -> None:
    transform = Sim3.exp(np.linspace(-0.3, 0.4, 7))
    kept = Arena().copy_transform(transform)
    assert np.array_equal(kept.numbers(), transform.numbers())
    assert kept.rotation.base is kept.translation.base
