"""What a window knows of its own scale: the camera's height over the ground, and the metric model's word."""

from .camera_height import HeightObservation, Refusal, camera_height

__all__ = ["HeightObservation", "Refusal", "camera_height"]
