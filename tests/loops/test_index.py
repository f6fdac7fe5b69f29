"""The index of places: recall, memory, and what it leaves on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.errors import LoopsError
from da3_stream.loops.index import PlaceIndex
from da3_stream.loops.keyframes import Keyframe

DIMENSION = 256


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def keys(first: int, count: int) -> list[Keyframe]:
    return [Keyframe(3 * k, k, 0.25 * k) for k in range(first, first + count)]


def filled(path: Path, vectors: NDArray[np.float32]) -> PlaceIndex:
    index = PlaceIndex(path, vectors.shape[1])
    index.append(keys(0, len(vectors)), vectors)
    index.release(len(vectors))
    return index


def wandering(count: int, dimension: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Neighbours 0.95 alike, strangers 0.3."""
    steps = rng.normal(size=(count, dimension))
    for k in range(1, count):
        steps[k] = 0.97 * steps[k - 1] + np.sqrt(1 - 0.97**2) * steps[k]
    return unit(steps + np.sqrt(0.3 / 0.7))


@pytest.mark.slow
def test_it_recalls_nearly_what_an_exact_search_does(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vectors = wandering(6000, 2048, rng)
    asked = rng.choice(6000, 200, replace=False)
    queries = unit(vectors[asked] + 0.9 * rng.normal(size=(200, 2048)) / np.sqrt(2048))  # 0.74 alike
    index = filled(tmp_path / "places.bin", vectors)
    exact = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    shared = [
        len(np.intersect1d(one.entries, best)) for one, best in zip(index.search(queries, 10), exact, strict=True)
    ]
    assert np.sum(shared) >= 0.98 * exact.size


def test_what_is_not_released_cannot_be_found(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(50, DIMENSION)))
    index = PlaceIndex(tmp_path / "places.bin", DIMENSION)
    assert len(index.search(vectors[:1], 5)[0].entries) == 0
    index.append(keys(0, 50), vectors)
    index.release(30)
    assert index.search(vectors[10:11], 1)[0].entries.tolist() == [10]
    assert set(index.search(vectors[40:41], 50)[0].entries.tolist()) == set(range(30))


def test_likeness_is_that_of_the_whole_vectors(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(50, DIMENSION)))
    found = filled(tmp_path / "places.bin", vectors).search(vectors[3:4], 50)[0]
    np.testing.assert_allclose(found.similarities, vectors[found.entries] @ vectors[3], atol=1e-3)
    assert (np.diff(found.similarities) <= 0).all()


def test_it_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(50, DIMENSION)))
    index = filled(tmp_path / "places.bin", vectors)
    index.close()
    with (tmp_path / "places.bin").open("ab") as file:
        file.write(b"half a record")
    again = PlaceIndex(tmp_path / "places.bin", DIMENSION)
    assert len(again) == 50
    assert again.keyframe(7) == Keyframe(21, 7, 1.75)
    again.truncate(40)
    again.append(keys(40, 10), vectors[40:])
    again.release(50)
    assert [one.entries[0] for one in again.search(vectors, 1)] == list(range(50))


def test_another_kind_of_descriptor_is_refused(tmp_path: Path) -> None:
    PlaceIndex(tmp_path / "places.bin", DIMENSION).close()
    with pytest.raises(LoopsError, match="holds place descriptors of 256 numbers, not 128"):
        PlaceIndex(tmp_path / "places.bin", 128)


def test_a_file_that_lost_places_is_refused(tmp_path: Path) -> None:
    index = filled(tmp_path / "places.bin", unit(np.random.default_rng(0).normal(size=(5, DIMENSION))))
    with pytest.raises(LoopsError, match="has lost places: it holds 5 of 6"):
        index.truncate(6)


def test_codes_take_128_bytes_a_frame(tmp_path: Path) -> None:
    import faiss

    vectors = unit(np.random.default_rng(0).normal(size=(50, DIMENSION)))
    index = filled(tmp_path / "places.bin", vectors)
    assert faiss.serialize_index_binary(index._codes).nbytes <= 50 * 128 + 200
