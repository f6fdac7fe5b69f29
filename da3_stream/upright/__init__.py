"""Which way is up: from cameras, their path and the planes of the scene (`estimate`), or from a map (`of_run`)."""

from .crop import crop_of_run, object_of_run
from .estimate import Up, estimate_up, given_up
from .of_run import up_of_run, up_of_world, upright_rotation

__all__ = [
    "crop_of_run",
    "object_of_run",
    "Up",
    "estimate_up",
    "given_up",
    "up_of_run",
    "up_of_world",
    "upright_rotation",
]
