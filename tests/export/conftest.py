"""Exports find keypoints in the same few pictures over and over, which takes most of their time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.geometry import keypoints

MOST_KEPT = 100  # pictures, about a megabyte each


@pytest.fixture(scope="session", autouse=True)
def keypoints_found_once() -> Iterator[None]:
    """SIFT looks at a picture once in a process."""
    kept: dict[tuple[bytes, tuple[int, ...], int], keypoints.Detected] = {}
    detect = keypoints._detect

    def detect_once(gray: NDArray[np.uint8], most: int) -> keypoints.Detected:
        asked = (hashlib.sha256(gray.tobytes()).digest(), gray.shape, most)
        if asked not in kept and len(kept) == MOST_KEPT:
            kept.pop(next(iter(kept)))
        return kept.setdefault(asked, kept.get(asked) or detect(gray, most))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keypoints, "_detect", detect_once)
        yield
