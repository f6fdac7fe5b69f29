"""Depth maps frame by frame: as numbers, as coloured images, as a video."""
