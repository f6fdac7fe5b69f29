"""Revisited places: descriptors, their index, candidates, and verification by geometry."""

from .choosing import make_describer
from .corroboration import Corroboration
from .describing import Describer
from .finder import LoopFinder
from .verify import LoopVerifier, MapSoFar

__all__ = ["Corroboration", "Describer", "LoopFinder", "LoopVerifier", "MapSoFar", "make_describer"]
