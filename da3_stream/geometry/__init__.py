"""Pure mathematics without input or output: similarities, cameras, point-set alignment, spherical harmonics."""

from .cameras import (
    homogeneous,
    intrinsics_from_hfov,
    intrinsics_matrix,
    pixel_centres,
    project,
    resize_intrinsics,
    unit_rays,
    unproject,
)
from .covariance import inverse_of_definite
from .harmonics import harmonic_terms, harmonics, harmonics_turn
from .sim3 import Sim3
from .sim3_array import Sim3Array
from .umeyama import nearest_rotations, umeyama

__all__ = [
    "Sim3",
    "Sim3Array",
    "harmonic_terms",
    "harmonics",
    "harmonics_turn",
    "homogeneous",
    "intrinsics_from_hfov",
    "intrinsics_matrix",
    "inverse_of_definite",
    "nearest_rotations",
    "pixel_centres",
    "project",
    "resize_intrinsics",
    "umeyama",
    "unit_rays",
    "unproject",
]
