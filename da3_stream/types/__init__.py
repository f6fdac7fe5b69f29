"""Frozen values that pass from one room to another; array shapes, units and coordinate frames are in their fields."""

from .advice import Advice, AdviceCode
from .copied import CopiedInput
from .frames import Frame, LeftOut, SkippedFrame
from .gaussians import Gaussians, move_in_place
from .input_camera import FOCAL_SIGMA, InputCamera
from .measurements import Alignment, LoopCandidate, LoopEdge, LoopRefusal, ScaleObservation
from .predictor import KeyframePredictor, PairPredictor, Predictor
from .window import Float32, Float64, Status, UInt8, WindowGeometry, median_depth

__all__ = [
    "FOCAL_SIGMA",
    "Advice",
    "AdviceCode",
    "Alignment",
    "CopiedInput",
    "Float32",
    "Float64",
    "Frame",
    "Gaussians",
    "InputCamera",
    "LeftOut",
    "LoopCandidate",
    "LoopEdge",
    "LoopRefusal",
    "KeyframePredictor",
    "PairPredictor",
    "Predictor",
    "ScaleObservation",
    "SkippedFrame",
    "Status",
    "UInt8",
    "WindowGeometry",
    "median_depth",
    "move_in_place",
]
