"""What matched points say of a pose's rotation, and what they cannot say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.predictors.sfm.mapping.turn_evidence import missing_turn_deg

FOCAL = 300.0
AXIS = np.array([0.3, 0.9, 0.1]) / np.linalg.norm([0.3, 0.9, 0.1])


def pair(step: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two views of points 3 to 7 away, a step to the right apart, with errors of a third of a pixel."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(3, 7, 200)
    points = np.column_stack([rng.uniform(-0.5, 0.5, 200) * depth, rng.uniform(-0.35, 0.35, 200) * depth, depth])
    b_from_a = np.eye(4)
    b_from_a[:3, :3], b_from_a[:3, 3] = Rotation.from_rotvec([0.0, 0.05, 0.0]).as_matrix(), [-step, 0.0, 0.1 * step]
    seen = points @ b_from_a[:3, :3].T + b_from_a[:3, 3]
    a, b = (xyz[:, :2] / xyz[:, 2:] + rng.normal(0, 0.33 / FOCAL, (200, 2)) for xyz in (points, seen))
    return b_from_a, a, b


def turned(b_from_a: np.ndarray, deg: float) -> np.ndarray:
    out = b_from_a.copy()
    out[:3, :3] = Rotation.from_rotvec(np.radians(deg) * AXIS).as_matrix() @ b_from_a[:3, :3]
    return out


@pytest.mark.parametrize("deg", [0.5, 2.0, 6.0])
def test_a_turn_that_points_tell_is_found(deg: float) -> None:
    b_from_a, a, b = pair(1.0)
    assert missing_turn_deg(b_from_a, a, b, FOCAL) < 0.15
    assert missing_turn_deg(turned(b_from_a, deg), a, b, FOCAL) == pytest.approx(deg, rel=0.3)


def test_a_turn_that_a_step_sideways_explains_as_well_is_none() -> None:
    """Hardly any parallax: essential matrices of such pairs are off by degrees."""
    errors = [missing_turn_deg(*pair(0.02, seed), FOCAL) for seed in range(8)]
    assert max(errors) < 0.6


def test_few_points_say_little() -> None:
    b_from_a, a, b = pair(1.0)
    few, many = (missing_turn_deg(turned(b_from_a, 0.4), a[:n], b[:n], FOCAL) for n in (6, 200))
    assert few < many
