"""A Gaussian splat for every pixel: the network's head for them, what its channels mean, other worlds, and files.

Kerbl et al., "3D Gaussian splatting for real-time radiance field rendering" (2023).
"""

from ...types import Gaussians, move_in_place
from .gaussians import GaussianOptions, stack_gaussians
from .ply import write_ply

__all__ = ["GaussianOptions", "Gaussians", "move_in_place", "stack_gaussians", "write_ply"]
