"""How files beside pictures are named: masks, depth maps and others, and which picture each belongs to."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Literal

Role = Literal["mask", "depth map", "other map"]

WORDS: dict[Role, tuple[str, ...]] = {
    "mask": ("masks", "mask"),
    "depth map": ("depthmaps", "depthmap", "depths", "depth", "disparity", "disp"),
    "other map": (
        *("normals", "normal", "semantics", "semantic", "instances", "instance", "labels", "label"),
        *("confidence", "conf", "segmentation", "seg"),
    ),
}
PICTURE_WORDS = ("color", "colour", "rgb", "images", "image", "img", "frames", "frame")


def role_of_folder(folder: Path) -> Role | None:
    """What a folder of this name holds, if not pictures."""
    name = _without_scale(folder)
    return next((role for role, words in WORDS.items() if name in words), None)


def is_of_pictures(folder: Path) -> bool:
    """Whether a folder is called after pictures, such as `rgb`."""
    return folder.name.casefold() in PICTURE_WORDS


def is_smaller_copy(folder: Path) -> bool:
    """Whether a folder is called as one with smaller copies of the pictures in `images`, such as `images_4`."""
    return folder.name.casefold() not in PICTURE_WORDS and _without_scale(folder) == "images"


def _without_scale(folder: Path) -> str:
    return re.sub(r"_\d+$", "", folder.name.casefold())


def role_of_name(stem: str) -> tuple[Role, str] | None:
    """What a file of this stem is, if not a picture, and the rest of the stem: `000.mask`, `mask_000`, `000-depth`.

    A stem that is nothing but the word has an empty rest.
    """
    for role, words in WORDS.items():
        if stem.casefold() in words:
            return role, ""
        rests = _without(stem, words)
        if rests:
            return role, rests[0]
    return None


def picture_keys(name: str) -> list[str]:
    """By which names a picture `folder/name.suffix` is known to its masks and maps, the most telling first."""
    folder, slash, file = name.casefold().rpartition("/")
    stems = [file, *_plain(posixpath.splitext(file)[0])]
    return list(dict.fromkeys([*(folder + slash + stem for stem in stems), *stems]))


def companion_keys(name: str) -> list[str]:
    """The names of the pictures that a mask or map `folder/name.suffix` may belong to: COLMAP's `1.png.png`, `1`,
    `1_mask`, `mask_1`, and `depth1` of `frame1`."""
    folder, slash, file = name.casefold().rpartition("/")
    stem = posixpath.splitext(file)[0]
    named = role_of_name(stem)
    stems = [*_plain(stem), *(_plain(named[1]) if named and named[1] else [])]
    return [folder + slash + each for each in dict.fromkeys(stems)]


def _plain(stem: str) -> list[str]:
    """The stem, and what is left of it without words that say that it is a picture."""
    once = _without(stem, PICTURE_WORDS)
    return list(dict.fromkeys([stem, *once, *(rest for each in once for rest in _without(each, PICTURE_WORDS))]))


def _without(stem: str, words: tuple[str, ...]) -> list[str]:
    """The stem without one of the words behind it, and before it, if they are set off by a sign or a digit."""
    folded = stem.casefold()
    if not any(word in folded for word in words):  # spares most names the search
        return []
    either = "|".join(words)
    behind = re.fullmatch(rf"(.+?)(?:[._ -]+|(?<=\d))(?:{either})", stem, re.IGNORECASE)
    before = re.fullmatch(rf"(?:{either})(?:[._ -]+|(?=\d))(.+)", stem, re.IGNORECASE)
    return [found.group(1) for found in (behind, before) if found]
