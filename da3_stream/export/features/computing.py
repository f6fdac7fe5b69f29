"""The features of a run's pictures: the network looks at them once more, and what it gives is kept on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, TYPE_CHECKING

import numpy as np

from ...errors import ExportError
from ...store import RunReader
from ...types import Float32, UInt8
from ..frame_views import FrameView
from ..images.frame_images import available_images
from ..options import FeatureOptions
from ..progress import Progress
from .principal_axes import Covariance

if TYPE_CHECKING:
    from ...da3 import DepthAnything3

USUAL_WINDOW = 60  # frames that a run shows the network together, where its settings do not tell


class KeptFeatures:
    """The features of one layer for every frame, in half precision in a file, and their covariance."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._shape: tuple[int, ...] = ()
        self._covariance: Covariance | None = None

    def add(self, features: Float32) -> None:
        """Keep [n,gh,gw,C] of the next frames. Raises ExportError where frames before were of another size."""
        if self._covariance is None:
            self._shape, self._covariance = features.shape[1:], Covariance(features.shape[-1])
        if features.shape[1:] != self._shape:
            raise ExportError("the pictures are of different sizes: export them apart, by --frames")
        self._covariance.add(features.reshape(-1, features.shape[-1]))
        self._file.write(features.astype(np.float16).tobytes())

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches of a frame."""
        return self._shape[0], self._shape[1]

    @property
    def covariance(self) -> Covariance:
        """Of all patches of all frames."""
        assert self._covariance is not None, "nothing was added"
        return self._covariance

    def __iter__(self) -> Iterator[Float32]:
        """[gh,gw,C] of one frame after the other."""
        self._file.seek(0)
        size = 2 * int(np.prod(self._shape))
        while data := self._file.read(size):
            yield np.frombuffer(data, np.float16).reshape(self._shape).astype(np.float32)


def model_name(reader: RunReader, options: FeatureOptions) -> str:
    """That which the options name, or the run was predicted with: as its settings name it, where they do. Raises
    ExportError for a run of sfm, which has no network."""
    used = str(reader.status.get("model", {}).get("name", "sfm"))
    asked = str(reader.status.get("settings", {}).get("model", {}).get("name", "auto"))
    name = options.model or (used if asked == "auto" else asked)
    if name == "sfm":
        raise ExportError(
            f"feat_vis shows what a network sees, and {reader.path} is of sfm: name one, as --set model=da3-base"
        )
    return name


def load_model(reader: RunReader, options: FeatureOptions) -> DepthAnything3:
    """The network. Raises ExportError as `model_name`, and ModelError where its weights are not there."""
    from ...da3 import DepthAnything3

    return DepthAnything3.from_pretrained(model_name(reader, options), options.device)


def compute(
    reader: RunReader,
    model: DepthAnything3,
    views: Sequence[FrameView],
    options: FeatureOptions,
    kept: dict[int, KeptFeatures],
    progress: Progress,
) -> None:
    """Fill `kept`, by layer, for all views in their order, a window of the run's size at a time: frames of a window see
    each other.

    Raises ExportError where a frame has no picture, and ModelError as `DepthAnything3.infer`.
    """
    window = int(reader.status.get("settings", {}).get("windows", {}).get("size") or USUAL_WINDOW)
    watched = progress.each("features", pictures(reader, views), len(views))
    while few := list(islice(watched, window)):
        found = model.infer(few, resolution=options.side, layers=tuple(kept))
        for layer, features in kept.items():
            features.add(found.features[layer])


def pictures(reader: RunReader, views: Sequence[FrameView]) -> Iterator[UInt8]:
    """The images [H,W,3] of the views as the run looked at them. Raises ExportError where one has none."""
    for view, image in available_images(reader, views):
        if image is None:
            raise ExportError(
                f"{reader.path} keeps no picture of frame {view.index}, and its input cannot be read again"
            )
        yield image
