"""Trust: what speaks for and against every pose of a window, and the probability that the pose is right."""

from .judge import Judge, load_judge, with_confidence
from .witnesses import KNOWN, Witness

__all__ = ["KNOWN", "Judge", "Witness", "load_judge", "with_confidence"]
