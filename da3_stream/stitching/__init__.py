"""The overlap of two windows -> how one lies in the other."""

from .alignment import align_windows
from .earlier import align_earlier

__all__ = ["align_earlier", "align_windows"]
