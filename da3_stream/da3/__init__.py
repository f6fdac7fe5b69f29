"""Depth Anything 3: torch only, knows nothing of streaming."""

from .model import DepthAnything3, Prediction
from .network import Network, NetworkOutput

__all__ = ["DepthAnything3", "Network", "NetworkOutput", "Prediction"]
