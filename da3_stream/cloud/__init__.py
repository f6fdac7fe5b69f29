"""Coloured points: from a window's depth to pages, from pages to the merged cloud."""

from .merge import merge_cloud, points_in_world, preview_cloud, world_voxel
from .pages import count_points, read_page, write_page
from .ply import read_ply
from .points import Points, window_points

__all__ = [
    "Points",
    "count_points",
    "merge_cloud",
    "points_in_world",
    "preview_cloud",
    "read_page",
    "read_ply",
    "window_points",
    "world_voxel",
    "write_page",
]
