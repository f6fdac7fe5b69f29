"""Frames -> WindowGeometry: Depth Anything 3 or structure from motion, which of them a run uses, and their schedule."""

from .factory import known_camera, make_predictor
from .model_choice import ResolvedModel, choose_model

__all__ = ["ResolvedModel", "choose_model", "known_camera", "make_predictor"]
