"""Fusing pages to one cloud in bounded memory: tiles of the world, free-space violations, subsampling."""
