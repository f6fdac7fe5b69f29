"""A folder that trainers of 3-D Gaussian splats take: images/ without distortion, and sparse/0/.

sparse/0/ is a COLMAP model with PINHOLE cameras, whose points3D.bin holds the points on tracks, and points3D.ply, from
which the original trainer begins: a sample of the cloud, x y z nx ny nz red green blue. Without it that trainer would
make one from points3D.bin, without normals.
"""

from __future__ import annotations

from pathlib import Path

from ...cloud.files.ply import create_ply
from ..cloud.sampling import sampled_points
from ..options import SplatOptions
from ..run_reader import Reading
from .dataset import gather, sparse_model, summary
from .files import write_model


def export_splats(reading: Reading, path: Path, options: SplatOptions) -> str:
    """See the module. Raises ExportError where there are no pictures, StoreError where a page is damaged."""
    gathered = gather(reading, path / "images", options, options.confidence)
    model = sparse_model(gathered, None, None)
    write_model(model, path / "sparse" / "0", text=False)
    points = sampled_points(reading, gathered.views, options.max_points)
    with create_ply(path / "sparse" / "0" / "points3D.ply", f"units: {reading.units}", normals=True) as ply:
        ply.write(points.xyz, points.rgb, points.normal)
    return f"{summary(model, gathered)}; {len(points)} points to begin with"
