"""What a window knows of its own scale: the camera's height over the ground, and the metric model's word."""

from .camera_height import HeightObservation, Refusal, camera_height
from .height_test import Verdict, height_observations, judge_heights
from .metric import metric_scale

__all__ = [
    "HeightObservation",
    "Refusal",
    "Verdict",
    "camera_height",
    "height_observations",
    "judge_heights",
    "metric_scale",
]
