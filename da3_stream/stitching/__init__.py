"""Alignment of windows: from the frames that two windows share to the Sim(3) between them, with its uncertainty."""

from .alignment import align_earlier, align_windows

__all__ = ["align_earlier", "align_windows"]
