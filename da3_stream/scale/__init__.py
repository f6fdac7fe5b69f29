"""Scale observations of single windows: from the camera's height over the ground, and from a metric depth model."""

from .camera_height import HeightObservation, Refusal, camera_height
from .height_test import HeightDecision, check_constant_height, height_observations
from .metric import metric_scale

__all__ = [
    "HeightObservation",
    "Refusal",
    "HeightDecision",
    "camera_height",
    "height_observations",
    "check_constant_height",
    "metric_scale",
]
