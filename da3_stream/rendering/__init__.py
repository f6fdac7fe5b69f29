"""Pictures of Gaussian splats and of coloured points, from any camera; knows no run.

From the outside in: `doors` (what is asked, and who draws it), `view` (the camera), `footprints` (every Gaussian as an
ellipse of the picture), `pieces` (which tiles it meets, nearest first), `compositing` (the sums of every pixel),
`discs` (points), `with_gsplat` (another rasteriser).

Zwicker et al., "EWA volume splatting" (2001); Kerbl et al., "3D Gaussian splatting for real-time radiance field
rendering" (2023).
"""

from .discs import render_points
from .doors import render
from .view import Rendering

__all__ = ["Rendering", "render", "render_points"]
