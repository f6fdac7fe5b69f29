"""All frames in one npz, with the keys that DA3's own tools write; streamed, so that any number fits into memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import ExportError
from ..geometry import resize_intrinsics
from ..store import RunReader
from ..types import UInt8
from .frame_views import FrameView, depth_views, has_depth_alone
from .images.frame_images import undistorted_images
from .images.names import frame_names
from .options import MiniNpzOptions, NpzOptions
from .placed import PlacedReader
from .progress import Progress

_LEVEL = 1  # of compression, as the npz files of a run directory


def export_npz(reader: PlacedReader, path: Path, options: NpzOptions, progress: Progress) -> str:
    """`image` [N,H,W,3] uint8 RGB, and what `export_mini_npz` writes, with depth to 6 decimals.

    The images are scaled to the size of the depth maps and undistorted. Raises ExportError as `export_mini_npz`, and
    where neither the input can be read again nor the run stores an image.
    """
    views, size = _views_of_one_size(reader, options)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        images = progress.each("pictures", _images(reader, views, size), len(views))
        _stream(archive, "image", (len(views), size[1], size[0], 3), np.uint8, images)
        _write_maps(archive, reader, views, size, 6, progress)
    return _summary(views, size)


def export_mini_npz(reader: PlacedReader, path: Path, options: MiniNpzOptions, progress: Progress) -> str:
    """`depth` [N,H,W] in world units (8 decimals, 0 = none), `conf` [N,H,W] (2 decimals, 0 = unusable: DA3's own less
    1), `extrinsics` [N,3,4] camera from world and `intrinsics` [N,3,3] of the depth maps, all float32, compressed.
    Beside what those tools write there are `sky` [N,H,W] where the model told it, the frames' names `file` [N],
    `file_from_world` [4,4] and `frame_of_reference`, a text of JSON.

    Rows are the frames with depth, in order; of depth alone there are no cameras. Raises ExportError where there are
    none, or their sizes differ.
    """
    views, size = _views_of_one_size(reader, options)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        _write_maps(archive, reader, views, size, 8, progress)
    return _summary(views, size)


def _write_maps(
    archive: zipfile.ZipFile,
    reader: PlacedReader,
    views: list[FrameView],
    size: tuple[int, int],
    decimals: int,
    progress: Progress,
) -> None:
    n, shape = len(views), (len(views), size[1], size[0])
    depths, confidences = progress.each("depth", views, n), progress.each("confidence", views, n)
    _stream(archive, "depth", shape, np.float32, (np.round(reader.depth(view.index)[0], decimals) for view in depths))
    _stream(archive, "conf", shape, np.float32, (np.round(reader.depth(view.index)[1], 2) for view in confidences))
    if reader.sky(views[0].index) is not None:
        skies = progress.each("sky", views, n)
        _stream(archive, "sky", shape, np.bool_, (_sky(reader, view, shape) for view in skies))
    if not has_depth_alone(reader):
        _stream(archive, "extrinsics", (n, 3, 4), np.float32, (view.camera_from_world[:3] for view in views))
        _stream(archive, "intrinsics", (n, 3, 3), np.float32, (_intrinsics(reader, view) for view in views))
    names = frame_names(reader)
    _add(archive, "file", np.array([names[view.index].name for view in views]))
    _add(archive, "file_from_world", reader.axes.file_from_world.matrix())
    _add(archive, "frame_of_reference", np.array(reader.axes.text()))


def _add(archive: zipfile.ZipFile, name: str, values: NDArray[Any]) -> None:
    """Write an array that fits into memory."""
    with archive.open(f"{name}.npy", "w") as file:
        np.lib.format.write_array(file, values, allow_pickle=False)


def _sky(reader: RunReader, view: FrameView, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Which pixels [H,W] are sky; none in a frame of which the model did not tell."""
    sky = reader.sky(view.index)
    return np.zeros(shape[1:], np.bool_) if sky is None else sky


def _intrinsics(reader: RunReader, view: FrameView) -> NDArray[np.float64]:
    return resize_intrinsics(view.intrinsics, reader.input_size, reader.depth_size(view.index))


def _images(reader: RunReader, views: list[FrameView], size: tuple[int, int]) -> Iterator[UInt8]:
    for view, image in undistorted_images(reader, views, size):
        if image is None:
            raise ExportError(f"{reader.path} keeps no picture of frame {view.index}: mini_npz needs none")
        yield image


def _stream(
    archive: zipfile.ZipFile,
    name: str,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    frames: Iterable[NDArray[Any]],
) -> None:
    """Write an array of `shape` as np.savez_compressed does, but one row of its first axis after another."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for frame in frames:
            file.write(np.ascontiguousarray(frame, dtype).tobytes())


def _views_of_one_size(
    reader: RunReader, options: MiniNpzOptions | NpzOptions
) -> tuple[list[FrameView], tuple[int, int]]:
    """The selected frames with depth, and (width, height) of all depth maps. Raises ExportError where sizes differ."""
    views = depth_views(reader, options)
    sizes = sorted({reader.depth_size(view.index) for view in views})
    if len(sizes) > 1:
        raise ExportError(f"the depth maps are of different sizes ({sizes[0]}, {sizes[1]}): one array cannot hold them")
    return views, sizes[0]


def _summary(views: list[FrameView], size: tuple[int, int]) -> str:
    return f"{len(views)} frames of {size[0]}x{size[1]}"
