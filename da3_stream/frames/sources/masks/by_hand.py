"""Masks by hand on the pictures of an input."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from ....errors import FramesError
from ....geometry.masks import Mask
from ...image_size import size_of
from ..images.formats import is_image
from ..picture import Picture
from ..recording import Candidate
from .names import companion_keys, picture_keys, role_of_name
from .reading import fit_mask, read_mask

NOTHING_LEFT = "leaves out all of the picture: 0 is what is left out, 255 what counts"
Key = TypeVar("Key", str, int)
EXPECTED = "give an image (0: left out), a folder of them, or a pattern"


@dataclass(eq=False)
class MaskFiles:
    """Mask files for an input: one for all pictures, or one for each by its name or number.

    `where` says where they come from. A mask that was read last is kept, so that frames which share one share an array.
    """

    where: str
    common: Path | None = None
    by_name: dict[str, Path] = field(default_factory=dict)
    by_number: dict[int, Path] = field(default_factory=dict)
    _last: tuple[Path, tuple[int, int], Mask | str] | None = None

    def find(self, name: str, index: int) -> Path | None:
        """The mask file of the picture of this name and index, if it has one."""
        if self.common is not None:
            return self.common
        named = (self.by_name[key] for key in picture_keys(name) if key in self.by_name)
        return next(named, None) or self.by_number.get(index)

    def is_named(self, name: str) -> bool:
        """Whether a mask file is named after the picture of this name."""
        return any(key in self.by_name for key in picture_keys(name))

    def mask_of(self, candidate: Candidate, size: tuple[int, int]) -> Mask | str | None:
        """The mask of a picture of (width, height), None where it has none, or the reason why it cannot be used.

        Raises FramesError for one that all pictures share and that does not fit.
        """
        path = self.find(candidate.name, candidate.index)
        if path is None:
            return None
        if self._last is None or self._last[:2] != (path, size):
            self._last = path, size, _read_fitting(path, size)
        mask = self._last[2]
        if isinstance(mask, str) and self.common is not None:
            raise FramesError(f"the mask '{path}' {mask}")
        return f"its mask '{path.name}' {mask}" if isinstance(mask, str) else mask


@dataclass(eq=False)
class HandMasks:
    """All masks by hand of an input together: a pixel counts where all let it count."""

    files: Sequence[MaskFiles] = ()
    first_share: float | None = None  # of the first picture with a mask, that it leaves out
    _joined: tuple[tuple[int, ...], tuple[Mask, ...], Mask] | None = None

    def apply(self, candidate: Candidate, picture: Picture | str) -> Picture | str:
        """The picture with its masks, or the reason why it cannot be used."""
        if isinstance(picture, str) or not self.files:
            return picture
        masks = [] if picture.mask is None else [picture.mask]
        for files in self.files:
            mask = files.mask_of(candidate, size_of(picture.image))
            if isinstance(mask, str):
                return mask
            masks += [] if mask is None else [mask]
        if not masks:
            return picture
        mask = self._join(masks)
        if not mask.any():
            return "its masks leave out all of it"
        self.first_share = float(1 - mask.mean()) if self.first_share is None else self.first_share
        return replace(picture, mask=mask)

    def _join(self, masks: Sequence[Mask]) -> Mask:
        """All masks together; the same array for the same masks."""
        if len(masks) == 1:
            return masks[0]
        ids = tuple(map(id, masks))
        if self._joined is None or self._joined[0] != ids:
            joined = masks[0]
            for mask in masks[1:]:
                joined = joined & mask
            self._joined = ids, tuple(masks), joined
        return self._joined[2]


def find_masks(name: str) -> MaskFiles:
    """The masks that a user gives: an image for all pictures, or a folder or pattern of masks by name or number.

    Raises FramesError with one sentence where there are none.
    """
    path = Path(os.path.expanduser(name))
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if is_image(each) and each.is_file())
        if not found:
            raise FramesError(f"the folder of masks '{name}' holds no images: {EXPECTED}")
        return index_masks(name, found, path)
    if path.is_file():
        return _common(name, path)
    if not glob.has_magic(name):
        raise FramesError(f"there is no mask '{name}': {EXPECTED}")
    found = sorted(each for each in map(Path, glob.glob(str(path), recursive=True)) if is_image(each))
    if not found:
        raise FramesError(f"no image matches the pattern of masks '{name}': check the pattern")
    return _common(name, found[0]) if len(found) == 1 else index_masks(name, found, None)


def masks_beside(paths: Sequence[Path]) -> list[MaskFiles]:
    """The mask files that lie beside pictures: one that is only called `mask` is for all of them."""
    common = [path for path in paths if role_of_name(path.stem) == ("mask", "")]
    named = [path for path in paths if path not in common]
    where = f"{named[0].parent.name}, beside the pictures" if named else ""
    return [*(MaskFiles(str(path), path) for path in common), *([index_masks(where, named, None)] if named else [])]


def index_masks(where: str, paths: Iterable[Path], root: Path | None) -> MaskFiles:
    """Mask files by the names of their pictures, and by the last number in their own names.

    Names count with their folders below `root`, and without. One that stands for several masks belongs to none.
    """
    names: dict[str, set[Path]] = {}
    numbers: dict[int, set[Path]] = {}
    for path in paths:
        for name in {path.name, *([path.relative_to(root).as_posix()] if root else [])}:
            for key in companion_keys(name):
                names.setdefault(key, set()).add(path)
        if digits := re.findall(r"\d+", Path(path.stem).stem):
            numbers.setdefault(int(digits[-1]), set()).add(path)
    return MaskFiles(where, None, _only_ones(names), _only_ones(numbers))


def _common(name: str, path: Path) -> MaskFiles:
    if not is_image(path):
        raise FramesError(f"the mask '{name}' is no image: {EXPECTED}")
    return MaskFiles(name, path)


def _only_ones(found: dict[Key, set[Path]]) -> dict[Key, Path]:
    return {key: next(iter(paths)) for key, paths in found.items() if len(paths) == 1}


def _read_fitting(path: Path, size: tuple[int, int]) -> Mask | str:
    mask = read_mask(path)
    if isinstance(mask, str):
        return mask
    fitted = fit_mask(mask, size)
    if fitted is None:
        return f"is {mask.shape[1]}x{mask.shape[0]}, another shape than the picture's {size[0]}x{size[1]}"
    return fitted if fitted.any() else NOTHING_LEFT
