"""Coloured points: from a window's depth to pages, from pages to the merged cloud.

`points` chooses the points of a submap, `pages` stores them in the submap's own frame, `levels/` does so with levels
of detail for viewers, `transform` brings them to the
world by the poses of now, `fuse` makes one cloud of all pages (with `fusion/`), `output` writes it (with `files/`),
`detail` gives it levels of detail (with `octree/`), and `preview` writes a sample of it while a run goes on.
"""

from .axes import Anchor, AxesName, FileAxes
from .detail import cloud_octree, write_copc
from .files.ply import read_ply
from .fuse import PointSelection, fuse_pages, write_merged_cloud
from .levels import SubmapLevels, levels_of_page, write_levels
from .output import FusedCloud, write_e57, write_las, write_laz, write_pcd, write_ply, write_tiles
from .pages import count_points, page_chunks, read_page, write_page
from .points import Points, window_points
from .preview import drop_samples, preview_cloud
from .region import Ball, Box, Crop, read_region
from .transform import points_in_world, world_voxel

__all__ = [
    "Anchor",
    "AxesName",
    "Ball",
    "Box",
    "Crop",
    "read_region",
    "cloud_octree",
    "write_copc",
    "FileAxes",
    "PointSelection",
    "FusedCloud",
    "Points",
    "SubmapLevels",
    "count_points",
    "drop_samples",
    "write_merged_cloud",
    "fuse_pages",
    "levels_of_page",
    "page_chunks",
    "points_in_world",
    "preview_cloud",
    "read_page",
    "read_ply",
    "window_points",
    "world_voxel",
    "write_e57",
    "write_las",
    "write_laz",
    "write_levels",
    "write_page",
    "write_pcd",
    "write_ply",
    "write_tiles",
]
