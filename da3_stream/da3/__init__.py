"""Depth Anything 3: images in, depth and cameras out. It knows nothing of streaming."""

from .device import is_lost
from .model import DepthAnything3, Prediction
from .network import Network, NetworkOutput

__all__ = ["DepthAnything3", "Network", "NetworkOutput", "Prediction", "is_lost"]
