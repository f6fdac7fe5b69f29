"""The whole network: a clip of frames in, what its branches say of them out, with a cache of the per-frame layers."""

from .network import Network, NetworkOutput

__all__ = ["Network", "NetworkOutput"]
