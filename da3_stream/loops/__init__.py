"""Loop detection: which earlier place does the camera see again, and how do both visits lie to each other?

Keyframes get a descriptor (descriptor, vlad, salad) and go into an index (index); a row of matches along both paths is
a candidate (finder, sequences); verify says whether a candidate is a loop, or why it is refused; a loop that is not
certain waits for a neighbour that agrees (temporal_consistency). Nothing here knows the pose graph.
"""

from .choose_descriptor import MakeExtractor, choose_extractor
from .descriptor import DescriptorExtractor
from .edge_information import combined_information, expected_information
from .finder import LoopFinder
from .keyframes import scene_depth
from .temporal_consistency import TemporalConsistency
from .verify import LoopVerifier, MapQuery

__all__ = [
    "TemporalConsistency",
    "DescriptorExtractor",
    "LoopFinder",
    "LoopVerifier",
    "MakeExtractor",
    "MapQuery",
    "choose_extractor",
    "combined_information",
    "expected_information",
    "scene_depth",
]
