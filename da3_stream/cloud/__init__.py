"""Coloured points: from a window's depth to pages, from pages to the merged cloud."""

from .files.ply import read_ply
from .fuse import Choice, merge_cloud, merged
from .output import Axes, Cloud, write_las, write_laz, write_ply, write_tiles
from .pages import count_points, page_chunks, read_page, write_page
from .points import Points, window_points
from .preview import drop_samples, preview_cloud
from .transform import points_in_world, world_voxel

__all__ = [
    "Axes",
    "Choice",
    "Cloud",
    "Points",
    "count_points",
    "drop_samples",
    "merge_cloud",
    "merged",
    "page_chunks",
    "points_in_world",
    "preview_cloud",
    "read_page",
    "read_ply",
    "window_points",
    "world_voxel",
    "write_las",
    "write_laz",
    "write_page",
    "write_ply",
    "write_tiles",
]
