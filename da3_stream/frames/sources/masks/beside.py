"""Sorting image files into pictures, and masks and maps that lie beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..images.formats import HEIF_SUFFIXES, is_image, is_raw
from .names import Role, companion_keys, is_of_pictures, is_smaller_copy, picture_keys, role_of_folder, role_of_name

MAP_SUFFIXES = (".pfm", ".exr")  # of the same name as a photograph: its depth
PHOTOGRAPH_SUFFIXES = (".jpg", ".jpeg", ".png")
MASK_FOLDERS = ("masks", "mask")  # beside the folder of the pictures


@dataclass(eq=False)
class SortedImages:
    """Image files by what they are: pictures in their order, the mask files beside them, and those of no use with the
    reason."""

    pictures: list[Path] = field(default_factory=list)
    masks: list[Path] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)


def sort_images(paths: Sequence[Path]) -> SortedImages:
    """Sort image files of an input. A file named like a mask or map is one only where it has a picture."""
    known = _Pictures(paths)
    result = SortedImages()
    for path in paths:
        role = known.role(path)
        if role == "mask":
            result.masks.append(path)
        elif role is not None:
            result.left_out.append((path, f"a {role} of a picture"))
        elif reason := known.why_double(path):
            result.left_out.append((path, reason))
        else:
            result.pictures.append(path)
    return result


def masks_in_sibling(pictures: Sequence[Path]) -> list[Path]:
    """The images of a folder `masks` in the one folder that holds all pictures, or beside it if it is called as one of
    pictures (`images`, `rgb`), where any belongs to a picture."""
    folders = {path.parent.absolute() for path in pictures}
    if len(folders) != 1:
        return []
    home = folders.pop()
    keys = {key for path in pictures for key in picture_keys(path.name)}
    homes = (home.parent, home) if is_of_pictures(home) else (home,)
    for folder in (where / name for where in homes for name in MASK_FOLDERS):
        found = _images_in(folder)
        masks = [path for path in found if keys.intersection(companion_keys(path.name))]
        if masks:
            return masks
    return []


class _Pictures:
    """What the files of an input that may be pictures are called, folder by folder."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._by_folder: dict[Path, set[str]] = {}
        self._suffixes: dict[tuple[Path, str], set[str]] = {}
        for path in paths:
            self._suffixes.setdefault(_same_name(path), set()).add(path.suffix.lower())
            if role_of_name(path.stem) is None and role_of_folder(path.parent) is None:
                self._by_folder.setdefault(path.parent, set()).update(picture_keys(path.name))

    def role(self, path: Path) -> Role | None:
        """What the file is beside a picture; None for a picture."""
        folder, named = role_of_folder(path.parent), role_of_name(path.stem)
        keys = companion_keys(path.name)
        if folder is not None:
            siblings = [home for home in self._by_folder if home.parent == path.parent.parent]
            named_so = any(map(is_of_pictures, siblings))  # TUM's depth maps have times of their own as names
            belongs = named_so or any(not self._by_folder[home].isdisjoint(keys) for home in siblings)
            return folder if belongs else None
        names = self._by_folder.get(path.parent, set())
        if named is not None:
            belongs = not names.isdisjoint(keys) or (named == ("mask", "") and bool(names))
            return named[0] if belongs else None
        is_double_suffix = is_image(Path(path.stem)) and path.stem.casefold() in names  # COLMAP's 1.png.png
        return "mask" if is_double_suffix else None

    def why_double(self, path: Path) -> str | None:
        """Why a file of the same name as another is not a picture of its own."""
        if is_smaller_copy(path.parent) and path.parent.parent / "images" in self._by_folder:
            return "a smaller copy of a picture"
        others = self._suffixes[_same_name(path)] - {path.suffix.lower()}
        photograph = next((suffix for suffix in PHOTOGRAPH_SUFFIXES if suffix in others), None)
        if photograph is None:
            return None
        if path.suffix.lower() in MAP_SUFFIXES:
            return "a depth map of a picture"
        if is_raw(path) or path.suffix.lower() in HEIF_SUFFIXES:
            return f"the same photograph as its {photograph[1:]}"
        return None


def _same_name(path: Path) -> tuple[Path, str]:
    return path.parent, path.stem.casefold()


def _images_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if is_image(path) and path.is_file())
    except OSError:
        return []
