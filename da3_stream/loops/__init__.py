"""Revisited places: descriptors, their index, candidates, and verification by geometry."""

from .choosing import MakeDescriber, choose_describer
from .corroboration import Corroboration
from .describing import Describer
from .finder import LoopFinder
from .travel import scene_depth
from .verify import LoopVerifier, MapSoFar, combined_information

__all__ = [
    "Corroboration",
    "Describer",
    "LoopFinder",
    "LoopVerifier",
    "MakeDescriber",
    "MapSoFar",
    "choose_describer",
    "combined_information",
    "scene_depth",
]
