"""The input of trainers of Gaussian splats: a COLMAP folder of straight images, with seeds and inverse depth."""

from __future__ import annotations

from pathlib import Path

from ...cloud.files.ply import create_ply, ply_comments
from ..cloud.sampling import sampled_points
from ..images.camera import image_size
from ..images.names import frame_names
from ..options import GaussianSplattingOptions
from ..placed import PlacedReader
from ..progress import Progress
from .dataset import find_seeds, sparse_model, summary, track_images, views_with_images
from .files import write_model
from .inverse_depths import InverseDepths


def export_gaussian_splatting(
    reader: PlacedReader, path: Path, options: GaussianSplattingOptions, progress: Progress
) -> str:
    """images/ without distortion, masks/ where not all of them counts, depths/, and sparse/0/ with PINHOLE cameras, the
    only ones besides SIMPLE_PINHOLE that the original loader takes.

    points3D.bin holds the points on tracks and the seeds; points3D.ply, from which the original trainer begins, a
    sample of the cloud with normals: without it that trainer would make one from points3D.bin, without normals. Raises
    ExportError as `export_colmap`, StoreError where the points of a submap are damaged.
    """
    sparse, views = path / "sparse" / "0", views_with_images(reader, options)
    seeds = find_seeds(reader, views, options.seeds, options.confidence)
    depths = InverseDepths(path / "depths", image_size(reader, options.resolution))
    tracked = track_images(reader, views, path, options, frame_names(reader).by_stem(), [seeds, depths], progress)
    seen = seeds.finish(options.seeds)
    model = sparse_model(tracked, seen, None, None)
    write_model(model, sparse, text=False)
    depths.finish(sparse / "depth_params.json")
    points = sampled_points(reader, tracked.views, options.max_points, normals=True)
    with create_ply(sparse / "points3D.ply", ply_comments(reader.axes), normals=True) as ply:
        ply.write(points.xyz, points.rgb, points.normal)
    return f"{summary(model, len(seen.position))}; {len(points)} points with normals"
