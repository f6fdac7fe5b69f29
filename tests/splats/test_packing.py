"""Gaussians in few bytes: how far what is unpacked may be from what was packed."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.splats.packing import COLOUR_SPAN, bytes_each, pack, unpack
from da3_stream.types import Gaussians


def some(count: int, degree: int) -> Gaussians[np.ndarray]:
    """Before a camera, at depths from 1 to 1000."""
    rng = np.random.default_rng(0)
    depth = np.exp(rng.uniform(0, np.log(1000), (count, 1)))
    quaternions = rng.normal(size=(count, 4)) * [1, 1, 1, 10]
    quaternions[::5] = [1, 0, 0, 0]
    parts = {
        "means": np.concatenate([rng.uniform(-0.7, 0.7, (count, 2)) * depth, depth], axis=1),
        "scales": depth * np.exp(rng.uniform(-8, 0, (count, 3))),
        "rotations": quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True),
        "harmonics": rng.normal(scale=0.4, size=(count, 3, (degree + 1) ** 2)),
        "opacities": rng.uniform(size=count),
    }
    return Gaussians(**{name: values.astype(np.float32) for name, values in parts.items()})


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_what_is_unpacked_is_what_was_packed_in_its_steps(degree: int) -> None:
    before = some(5000, degree)
    packed = pack(before)
    assert sum(values.nbytes for name, values in packed.items() if name != "range") == 5000 * bytes_each(degree)
    after, depth = unpack(packed), before.means[:, 2:]
    direction = np.abs(after.means / after.means[:, 2:] - before.means / depth)
    assert direction.max() * 500 < 0.01  # pixels of a picture with this focal length
    np.testing.assert_allclose(after.means[:, 2:], depth, rtol=5.5e-5)
    np.testing.assert_allclose(after.scales, before.scales, rtol=0.031)
    turn = 2 * np.degrees(np.arccos(np.abs((after.rotations * before.rotations).sum(axis=1)).clip(0, 1)))
    assert turn.max() < 0.2
    np.testing.assert_allclose(np.linalg.norm(after.rotations, axis=1), 1, atol=1e-6)
    mean, expected = after.harmonics[..., 0], before.harmonics[..., 0].clip(-COLOUR_SPAN, COLOUR_SPAN)
    np.testing.assert_allclose(mean, expected, atol=2 * COLOUR_SPAN / 510 + 1e-6)
    rest = before.harmonics[..., 1:]
    np.testing.assert_allclose(after.harmonics[..., 1:], rest, atol=np.abs(rest).max(initial=0) / 254 + 1e-6)
    np.testing.assert_allclose(after.opacities, before.opacities, atol=0.5 / 255 + 1e-6)


def test_one_and_none_are_packed() -> None:
    for count in (0, 1):
        after = unpack(pack(some(count, 2)))
        assert len(after) == count and after.degree == 2
        np.testing.assert_allclose(after.means, some(count, 2).means, rtol=1e-5)
