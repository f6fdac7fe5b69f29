"""What is computed from one frame alone is computed once, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from da3_stream.da3 import DepthAnything3, Network, Prediction
from da3_stream.da3.backbone.backbone import Backbone
from da3_stream.da3.checkpoint import ModelCheckpoint
from da3_stream.da3.network.frame_cache import FrameCache, FrameKey


def key(index: int) -> FrameKey:
    return FrameKey(index, b"")


def asked(cache: FrameCache, indices: list[int], keep: bool = True) -> list[int]:
    """Indices of the frames for which the cache had to ask."""
    computed: list[int] = []

    def compute(places: list[int]) -> tuple[torch.Tensor]:
        computed.extend(indices[place] for place in places)
        return (torch.tensor([[float(indices[place])] for place in places]),)

    (rows,) = cache.rows("part", [key(index) for index in indices], compute, keep=keep)
    assert rows[:, 0].tolist() == indices
    return computed


def test_a_window_computes_its_new_frames_only() -> None:
    cache = FrameCache(3)
    assert asked(cache, [0, 1, 2, 3, 4]) == [0, 1, 2, 3, 4]
    assert asked(cache, [2, 3, 4, 5, 6]) == [5, 6]
    assert asked(cache, [3, 4, 5, 6, 7]) == [3, 7]  # three frames were kept: 4, 5, 6
    assert asked(cache, [6, 7]) == []


def test_a_clip_that_looks_back_leaves_the_cache_as_it_is() -> None:
    cache = FrameCache(2)
    asked(cache, [10, 11, 12])
    assert asked(cache, [3, 4, 11, 12]) == [3, 4]
    assert asked(cache, [11, 12, 13]) == [13]


def test_what_is_not_to_be_kept_leaves_the_cache_as_it_is() -> None:
    cache = FrameCache(2)
    asked(cache, [10, 11, 12])
    assert asked(cache, [3, 4, 12, 40, 41], keep=False) == [3, 4, 40, 41]
    assert asked(cache, [3, 4, 40, 41], keep=False) == [3, 4, 40, 41]
    assert asked(cache, [11, 12, 13]) == [13]


def test_another_video_begins_anew() -> None:
    cache = FrameCache(2)
    asked(cache, [10, 11, 12])
    assert asked(cache, [0, 1, 2]) == [0, 1, 2]
    assert asked(cache, [1, 2, 3]) == [3]


def test_another_picture_of_the_same_place_is_another_frame() -> None:
    cache = FrameCache(2)
    asked(cache, [1, 2])
    (rows,) = cache.rows("part", [FrameKey(2, b"other")], lambda places: (torch.tensor([[5.0]]),))
    assert rows.tolist() == [[5.0]]


def test_what_is_kept_pins_no_whole_clip() -> None:
    cache = FrameCache(1)
    cache.rows("part", [key(0), key(1)], lambda places: (torch.zeros(2, 1000),))
    (kept,) = next(iter(cache._parts["part"].values()))
    assert len(cache) == 1 and kept.untyped_storage().nbytes() == 4000


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many frames every call of the layers before frames meet was given."""
    counts, original = [], Backbone.prefix

    def prefix(self: Backbone, images: torch.Tensor, run: object) -> object:
        counts.append(len(images))
        return original(self, images, run)  # type: ignore[arg-type]

    monkeypatch.setattr(Backbone, "prefix", prefix)
    return counts


def copied(network: Network, dtype: torch.dtype) -> DepthAnything3:
    """A model of the same weights that remembers three frames."""
    other = Network(network.config)
    other.load_tensors(network.tensors(), dtype=dtype)
    return DepthAnything3(ModelCheckpoint("copied", other), torch.device("cpu"), cache_frames=3)


def require_same(model: DepthAnything3, pictures: list[np.ndarray], counted: list[int]) -> None:
    """Two windows with two frames in common, with and without what is remembered."""

    def infer(rows: range, remembered: bool) -> Prediction:
        return model.infer([pictures[i] for i in rows], resolution=70, indices=rows if remembered else None)

    windows = (range(5), range(3, 8))
    fresh = [infer(rows, False) for rows in windows]
    counted.clear()
    kept = [infer(rows, True) for rows in windows]
    for a, b in zip(fresh, kept, strict=True):
        for part in ("depth", "confidence", "camera_from_world", "intrinsics"):
            np.testing.assert_allclose(getattr(a, part), getattr(b, part), rtol=2e-5, atol=2e-5, err_msg=part)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tinyg", "tinynested"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_shared_frames_are_looked_at_once_and_give_the_same(
    name: str, dtype: torch.dtype, network: Callable, recipe: ModuleType, counted: list[int]
) -> None:
    require_same(copied(network(name), dtype), list(recipe.images(8, 56, 70, 5)), counted)
    assert sum(counted) == 8 * len(network(name).branches)  # each of eight frames once in each branch


@pytest.mark.slow
def test_nothing_is_remembered_where_early_layers_are_tapped(
    network: Callable, recipe: ModuleType, counted: list[int]
) -> None:
    config = network("tinyg").config
    early = Network(replace(config, out_layers=(1, 5, 7, 9)))
    early.load_tensors(network("tinyg").tensors())
    require_same(copied(early, torch.float32), list(recipe.images(8, 56, 70, 5)), counted)
    assert sum(counted) == 10


def test_descriptors_are_those_of_the_frame_whatever_the_window(network: Callable, recipe: ModuleType) -> None:
    model, pictures = copied(network("tinyg"), torch.float32), list(recipe.images(4, 56, 70, 5))
    together = model.infer(pictures, resolution=70, descriptors=True).descriptors
    alone = [model.infer([picture], resolution=70, descriptors=True).descriptors for picture in pictures]
    assert together is not None and together.shape == (4, 128)
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), np.sqrt(2), rtol=1e-5)
    assert model.infer(pictures, resolution=70).descriptors is None
