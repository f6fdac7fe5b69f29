"""Trust: what speaks for and against every pose of a window, and the probability that the pose is right."""

from .doubts import Doubt, doubts_of_pose
from .judge import Judge, load_judge, with_confidence
from .standing import with_view_shares
from .witnesses import KNOWN, Witness

__all__ = ["KNOWN", "Doubt", "Judge", "Witness", "doubts_of_pose", "load_judge", "with_confidence", "with_view_shares"]
