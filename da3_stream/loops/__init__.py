"""Revisited places: descriptors, their index, candidates, and verification by geometry."""

from .choose_descriptor import MakeExtractor, choose_extractor
from .descriptor import DescriptorExtractor
from .finder import LoopFinder
from .keyframes import scene_depth
from .temporal_consistency import TemporalConsistency
from .verify import LoopVerifier, MapQuery, combined_information

__all__ = [
    "TemporalConsistency",
    "DescriptorExtractor",
    "LoopFinder",
    "LoopVerifier",
    "MakeExtractor",
    "MapQuery",
    "choose_extractor",
    "combined_information",
    "scene_depth",
]
