"""Revisited places: descriptors, their index, candidates, and verification by geometry."""

from .choose_descriptor import MakeDescriber, choose_describer
from .descriptor import Describer
from .finder import LoopFinder
from .keyframes import scene_depth
from .temporal_consistency import Corroboration
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
