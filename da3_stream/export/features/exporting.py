"""Pictures and films of the features of layers: their three principal components as red, green and blue."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...store import RunReader
from ...types import Float32, UInt8
from ..film import write_film
from ..frame_views import FrameView, selected_views, usual_rate
from ..images.frame_images import resized
from ..images.names import frame_names
from ..images.rasters import new_file, write_image
from ..images.sources import list_frames
from ..options import FeatureOptions
from ..progress import Progress
from .computing import KeptFeatures, compute, load_model, pictures
from .principal_axes import ColourRange, PrincipalAxes

PATCH = 14  # pixels of a side
MOST_FOR_RANGE = 2000  # frames, evenly over all, from which colours take their range


def export_feat_vis(reader: RunReader, path: Path, options: FeatureOptions, progress: Progress) -> str:
    """For every layer a folder `feat_layer_K` with a JPEG for every selected frame, and a film `feat_layer_K.mp4`: the
    picture beside its features, whose colours mean the same over the whole clip and are the same every time.

    Raises ExportError for a run of sfm where no model is named, and where a frame has no picture, ModelError where the
    model has no such layer or is not there.
    """
    model, views = load_model(reader, options), selected_views(reader, options)
    layers = options.layers or (model.depth - 1,)
    rate = Fraction(options.fps or usual_rate(views)).limit_denominator(1001)
    with ExitStack() as stack:
        kept = {n: KeptFeatures(stack.enter_context(tempfile.TemporaryFile(dir=path.parent))) for n in layers}
        compute(reader, model, views, options, kept, progress)
        del model
        for layer, features in kept.items():
            _write_layer(reader, path / _folder(layer), features, views, rate, progress)
    names, first = frame_names(reader), _folder(layers[0])
    list_frames(reader, {view.index: f"{first}/{names[view.index].encoded('jpg')}" for view in views}, path)
    return f"{len(views)} pictures of {_layers_text(layers)}, at {float(rate):.4g} a second"


def _folder(layer: int) -> str:
    return f"feat_layer_{layer}"


def _layers_text(layers: Sequence[int]) -> str:
    return f"layer {layers[0]}" if len(layers) == 1 else "layers " + ", ".join(map(str, layers))


def _write_layer(
    reader: RunReader,
    path: Path,
    features: KeptFeatures,
    views: Sequence[FrameView],
    rate: Fraction,
    progress: Progress,
) -> None:
    """The film of one layer beside the folder `path`, and its pictures in it."""
    axes = features.covariance.axes()
    colours = ColourRange.of(_sample(features, axes, len(views)))
    painted = (colours.paint(axes.along(one)) for one in features)
    panels = progress.each(f"pictures of {path.name}", _panels(reader, views, painted), len(views))
    files = [new_file(path / frame_names(reader)[view.index].encoded("jpg")) for view in views]
    rows, columns = features.grid
    size = (2 * PATCH * columns, PATCH * rows)
    write_film(path.with_suffix(".mp4"), _saved(files, panels), size, rate, f"principal components of {path.name}")


def _saved(files: Sequence[Path], images: Iterable[UInt8]) -> Iterator[UInt8]:
    """The images, each once it is in its file."""
    for file, image in zip(files, images, strict=True):
        write_image(file, image)
        yield image


def _sample(features: KeptFeatures, axes: PrincipalAxes, count: int) -> Float32:
    """Values [M,3] along the axes of patches of frames evenly over all."""
    step = -(-count // MOST_FOR_RANGE)
    return np.concatenate([axes.along(one).reshape(-1, 3) for k, one in enumerate(features) if k % step == 0])


def _panels(reader: RunReader, views: Sequence[FrameView], painted: Iterator[UInt8]) -> Iterator[UInt8]:
    """Each picture, of the size that the network looks at, on the left of its colours [gh,gw,3], a square a patch."""
    for image, colours in zip(pictures(reader, views), painted, strict=True):
        squares = colours.repeat(PATCH, axis=0).repeat(PATCH, axis=1)
        own = resized(image, (squares.shape[1], squares.shape[0]))
        yield np.concatenate([own, squares], axis=1)
