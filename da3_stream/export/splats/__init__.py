"""Gaussian splats of a run as the files of viewers: PLY and SPZ, in tiles."""
