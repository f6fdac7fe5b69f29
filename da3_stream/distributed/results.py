"""What comes out of the object store, as if it had been computed in this process."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields, replace

import numpy as np

from .messages import Outcome


def own(outcome: Outcome) -> tuple[Outcome, int]:
    """A copy in this process's own memory, and the bytes of its geometry's arrays.

    What Ray gives lies in the object store: it can't be written to, takes room there for as long as somebody has it,
    and is gone with the connection.
    """
    if outcome.geometry is None:
        return outcome, 0
    geometry = deepcopy(outcome.geometry)
    arrays = [getattr(geometry, field.name) for field in fields(geometry)]
    arrays += [array for gaussians in geometry.gaussians for array in vars(gaussians).values()]
    size = sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
    return replace(outcome, geometry=geometry), size
