"""Levels of detail of one submap's points, for viewers: `cloud/%06d.levels`, beside the page `cloud/%06d.laz`.

`build` puts the points into the nodes of an octree in the submap's own frame, `layout` says what the file is, `writing`
and `reading` are its two sides. A corrected pose moves points without the file being written again.
"""

from .reading import SubmapLevels
from .writing import levels_of_page, write_levels

__all__ = ["SubmapLevels", "levels_of_page", "write_levels"]
