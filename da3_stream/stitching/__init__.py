"""The overlap of two windows -> how one lies in the other."""

from .alignment import align_windows

__all__ = ["align_windows"]
