"""A COLMAP model as files, checked to be complete: COLMAP ignores it when the disk refuses what it writes.

"Output format" of COLMAP's documentation, with the rigs and frames of 3.12. A failed write leaves the beginning of a
file: the number of bytes of a binary file, and of lines of a text file, tells whether it is complete.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import ExportError


def write_model(model: Any, folder: Path, *, text: bool) -> None:
    """A pycolmap.Reconstruction in a new folder, binary or text. Raises ExportError where a file was cut short."""
    folder.mkdir(parents=True)
    (model.write_text if text else model.write_binary)(str(folder))
    missing = _short_texts(model, folder) if text else _short_binaries(model, folder)
    if missing:
        raise ExportError(f"cannot write {missing[0]}: it was cut short, as by a full disk")


def _short_binaries(model: Any, folder: Path) -> list[str]:
    """The binary files that have fewer bytes than expected."""
    return [name for name, size in _binary_sizes(model).items() if (folder / name).stat().st_size < size]


def _binary_sizes(model: Any) -> dict[str, int]:
    """Expected bytes by file; each begins with a count of 8 bytes."""
    images = model.images.values()
    parts = {
        "rigs.bin": 16 * model.num_rigs(),  # of one camera each
        "cameras.bin": sum(24 + 8 * len(camera.params) for camera in model.cameras.values()),
        "frames.bin": 84 * model.num_frames(),  # of one image each
        "images.bin": sum(73 + len(image.name.encode()) + 24 * image.num_points2D() for image in images),
        "points3D.bin": 51 * model.num_points3D() + 8 * model.compute_num_observations(),
    }
    return {name: 8 + size for name, size in parts.items()}


def _short_texts(model: Any, folder: Path) -> list[str]:
    """The text files that have fewer complete lines than expected."""
    lines = {
        "rigs.txt": model.num_rigs(),
        "cameras.txt": model.num_cameras(),
        "frames.txt": model.num_frames(),
        "images.txt": 2 * model.num_images(),
        "points3D.txt": model.num_points3D(),
    }
    return [name for name, count in lines.items() if _complete_lines(folder / name) < count]


def _complete_lines(path: Path) -> int:
    """How many lines end with a newline and are no comments."""
    with path.open("rb") as file:
        return sum(line.endswith(b"\n") and not line.startswith(b"#") for line in file)
