"""Sorting image files into pictures, and masks and maps that lie beside them."""

from __future__ import annotations

import os
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
        self._suffixes: dict[str, set[str]] = {}  # of the files of one path without its suffix
        self._roles: dict[str, Role | None] = {}  # of folders
        self._names: dict[str, set[str]] = {}  # of the pictures in a folder
        for path in paths:
            folder, stem = os.path.split(os.path.splitext(path)[0])
            self._suffixes.setdefault(_same_name(path), set()).add(path.suffix.lower())
            if folder not in self._roles:
                self._roles[folder] = role_of_folder(path.parent)
            if self._roles[folder] is None and role_of_name(stem) is None:
                self._names.setdefault(folder, set()).update(picture_keys(path.name))

    def role(self, path: Path) -> Role | None:
        """What the file is beside a picture; None for a picture."""
        folder, stem = os.path.split(os.path.splitext(path)[0])
        role = self._roles[folder]
        if role is not None:
            return role if self._belongs_to_sibling(path) else None
        names, named = self._names.get(folder, set()), role_of_name(stem)
        if named is not None:
            belongs = not names.isdisjoint(companion_keys(path.name)) or (named == ("mask", "") and bool(names))
            return named[0] if belongs else None
        return (
            "mask" if "." in stem and is_image(Path(stem)) and stem.casefold() in names else None
        )  # COLMAP's 1.png.png

    def _belongs_to_sibling(self, path: Path) -> bool:
        """Whether a file in a folder of masks or maps belongs to the pictures of a folder beside it."""
        above = os.path.dirname(os.path.dirname(path))
        siblings = [home for home in self._names if os.path.dirname(home) == above]
        if any(is_of_pictures(Path(home)) for home in siblings):  # TUM's depth maps have times of their own as names
            return True
        keys = companion_keys(path.name)
        return any(not self._names[home].isdisjoint(keys) for home in siblings)

    def why_double(self, path: Path) -> str | None:
        """Why a file of the same name as another is not a picture of its own."""
        suffixes = self._suffixes[_same_name(path)]
        if (
            is_smaller_copy(path.parent)
            and os.path.join(os.path.dirname(os.path.dirname(path)), "images") in self._names
        ):
            return "a smaller copy of a picture"
        photograph = next((each for each in PHOTOGRAPH_SUFFIXES if each in suffixes - {path.suffix.lower()}), None)
        if photograph is None:
            return None
        if path.suffix.lower() in MAP_SUFFIXES:
            return "a depth map of a picture"
        if is_raw(path) or path.suffix.lower() in HEIF_SUFFIXES:
            return f"the same photograph as its {photograph[1:]}"
        return None


def _same_name(path: Path) -> str:
    return os.path.splitext(path)[0].casefold()


def _images_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if is_image(path) and path.is_file())
    except OSError:
        return []
