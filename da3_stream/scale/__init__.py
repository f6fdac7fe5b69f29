"""What a window knows of its own scale: the camera's height over the ground, and the metric model's word."""

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
