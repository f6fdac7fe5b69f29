"""How much the edge of a loop tells: after the predictor has looked, and before."""

from __future__ import annotations

import numpy as np

from ..geometry import Sim3, inverse_of_definite
from ..types import Alignment, Float64

# Uncertainty of the prediction between its halves, which no alignment of one half can tell: depths, radians, log-scale.
PREDICTION_SIGMAS = (0.02, 0.005, 0.01)


def combined_information(alignment_a: Alignment, alignment_b: Alignment, depth: float) -> Float64:
    """Information [7,7] of a_from_b: the uncertainties of both alignments and of the prediction between its halves.

    With a_from_b = A B^-1 and errors on the right of A and B, the edge's own error on the right is Ad_B (e_A - e_B).
    """
    alignments = inverse_of_definite(alignment_a.information) + inverse_of_definite(alignment_b.information)
    return _information_in_b(alignments + _prediction_covariance(depth), alignment_b.previous_from_current)


def expected_information(b_from_camera: Sim3, depth: float) -> Float64:
    """Information [7,7] of a_from_b that a loop at a camera of b has at most, before the predictor has looked.

    That of a prediction whose halves fit their submaps exactly; `depth` is that of the scene there, in units of b.
    """
    return _information_in_b(_prediction_covariance(depth), b_from_camera)


def _prediction_covariance(depth: float) -> Float64:
    """Covariance [7,7] between the halves of a prediction, for a scene of this depth."""
    length, rotation, scale = PREDICTION_SIGMAS
    return np.diag(np.square([length * depth] * 3 + [rotation] * 3 + [scale]))


def _information_in_b(covariance: Float64, b_from_prediction: Sim3) -> Float64:
    """Information of an error on the right of a_from_b, from its covariance in the frame of the prediction."""
    prediction_from_b = b_from_prediction.inverse().adjoint()
    information = prediction_from_b.T @ inverse_of_definite(covariance) @ prediction_from_b
    return (information + information.T) / 2
