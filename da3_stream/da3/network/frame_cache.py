"""The output of the per-frame layers, kept for the next clip that has the same frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, order=True)
class FrameKey:
    """A frame's place in its video, and a digest of the pixels that the network sees of it."""

    index: int
    digest: bytes


Rows = tuple[Tensor, ...]  # tensors [n,...] with one row for each frame


class FrameCache:
    """Rows of tensors by frame, in parts by name, for at most `capacity` frames.

    It holds the last frames of the clip that went farthest, so that a clip that looks back costs nothing later. A clip
    that shares no frame with what is held is taken for the beginning of another video.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._parts: dict[str, dict[FrameKey, Rows]] = {}

    def __len__(self) -> int:
        return max((len(held) for held in self._parts.values()), default=0)

    def rows(
        self, part: str, keys: Sequence[FrameKey], compute: Callable[[list[int]], Rows], *, keep: bool = True
    ) -> Rows:
        """The part's rows for all keys; `compute` is called with the positions among the keys of those not held.

        Without `keep` what is held stays as it is.
        """
        held = self._parts.get(part, {})
        places = [i for i, key in enumerate(keys) if key not in held]
        fresh = compute(places) if places else ()
        rows = fresh if len(places) == len(keys) else _merge(keys, held, places, fresh)
        if keep and self.capacity and _continues(keys, held):
            self._parts[part] = _last_rows(keys, rows, self.capacity, held)
        return rows


def _merge(keys: Sequence[FrameKey], held: dict[FrameKey, Rows], places: list[int], fresh: Rows) -> Rows:
    example = next(iter(held.values()))
    merged = tuple(tensor.new_empty((len(keys), *tensor.shape)) for tensor in example)
    for column, whole in enumerate(merged):
        if places:
            whole[torch.tensor(places, device=whole.device)] = fresh[column]
        for i, key in enumerate(keys):
            if key in held:
                whole[i] = held[key][column]
    return merged


def _continues(keys: Sequence[FrameKey], held: dict[FrameKey, Rows]) -> bool:
    return not any(key in held for key in keys) or max(keys).index > max(held).index


def _last_rows(keys: Sequence[FrameKey], rows: Rows, capacity: int, held: dict[FrameKey, Rows]) -> dict[FrameKey, Rows]:
    """Copies of the last rows: a view would keep the whole clip's tensors alive."""
    places = sorted(range(len(keys)), key=lambda i: keys[i])[-capacity:]
    return {keys[i]: held.get(keys[i]) or tuple(tensor[i].clone() for tensor in rows) for i in places}
