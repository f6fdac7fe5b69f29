"""What this machine has for runs, what is missing, and the command that cures it: `da3-stream doctor`."""

from .examination import Examination, examine
from .finding import Finding, State

__all__ = ["Examination", "Finding", "State", "examine"]
