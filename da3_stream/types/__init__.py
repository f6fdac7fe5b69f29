"""Frozen values that pass from one room to another; array shapes, units and coordinate frames are in their fields."""

from .advice import Advice, AdviceCode
from .frames import Frame, LeftOut, SkippedFrame
from .measurements import Alignment, LoopCandidate, LoopEdge, LoopRefusal, ScaleObservation
from .predictor import PairPredictor, Predictor
from .window import Float32, Float64, Status, UInt8, WindowGeometry, median_depth

__all__ = [
    "Advice",
    "AdviceCode",
    "Alignment",
    "Float32",
    "Float64",
    "Frame",
    "LeftOut",
    "LoopCandidate",
    "LoopEdge",
    "LoopRefusal",
    "PairPredictor",
    "Predictor",
    "ScaleObservation",
    "SkippedFrame",
    "Status",
    "UInt8",
    "WindowGeometry",
    "median_depth",
]
