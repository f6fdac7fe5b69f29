"""The classical predictor: global structure from motion in windows, then dense depth from optical flow."""

from .predictor import SfmPredictor

__all__ = ["SfmPredictor"]
