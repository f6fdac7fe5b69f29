"""The SLAM system: windows are chained into a map of submaps, and loops and scale priors correct it.

It knows predictions, the map and the pose graph; it knows nothing of the life of a process (`session`).
"""

from .backend import Backend
from .chain import SubmapChain
from .keyframe_windows import KeyframeWindows
from .scale_priors import CameraHeightPrior, MetricScalePrior
from .submaps import SubmapStore
from .system import SlamSystem
from .update import Event, FinalUpdate, WindowUpdate

__all__ = [
    "Backend",
    "CameraHeightPrior",
    "Event",
    "FinalUpdate",
    "KeyframeWindows",
    "MetricScalePrior",
    "SlamSystem",
    "SubmapChain",
    "SubmapStore",
    "WindowUpdate",
]
