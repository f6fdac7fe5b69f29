"""Finding footage: the videos and images that names, folders and patterns stand for, and what only looks like it."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ....errors import FramesError
from ..chain import LeftOutFile
from ..images.files import natural_key
from ..images.formats import IMAGE_SUFFIXES, is_image
from ..masks.beside import sort_images
from ..video.files import VIDEO_SUFFIXES

DEPTH = 6  # folders below the one that is given; AVCHD has its videos five below the card's root
PROXY_SUFFIXES = (".lrv", ".lrf")
THUMBNAIL_SUFFIXES = (".thm",)
PROXY = re.compile(
    r"(?:[-_. ](?:proxy|preview|lowres)|^LRV_.*|\d_[NEPM][FRI]S|_\d+_[FR]L|\d[FRABI]_S|^qcamera|^event)$", re.IGNORECASE
)
LIVE = re.compile(r"^IMG_E?\d{4}\.MOV$", re.IGNORECASE)
PROXY_FOLDERS = ("sub", "proxy", "proxies", "thmbnl", "thm", "thumb", "thumbs", "thumbnails")
NOT_FOOTAGE = ("system volume information", "$recycle.bin", "__macosx", "lost+found", "@eadir", "lost.dir")
# Folders of cards, by the DCF standard (100GOPRO), by dashcams and by camcorders.
CARD_FOLDER = re.compile(
    r"^(?:dcim|\d{3}[a-z0-9_]{5}|camera|movies?|movie_\w|video|normal|cont_rec|evt_rec|event|emergency|emr|ro|locked?|"
    r"parking(?:_rec)?|manual(?:_rec)?|motion\w*|record|cardv|carcam|driving\w*|front|rear|back|f|r|interior|inside|"
    r"private|m4root|xdroot|clip|avchd|bdmv|stream|savedclips|sentryclips|recentclips|"
    r"photo|\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)$",
    re.IGNORECASE,
)
LOOKED_FOR = ", ".join(suffix[1:] for suffix in (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES))
CAMERA_ROLL = re.compile(r"^(?:img_e?|_?dsc[nf_]?|_mg_|dji_|mvi_|gopr|g\d*|p\d*|pict|sam_)$")
PHOTOGRAPHS = (".jpg", ".jpeg", ".heic")
SEQUENCE = 10  # so many pictures whose names count without a gap are frames of one sequence


@dataclass
class Found:
    """Videos and images in natural order, and what was passed over, with the reason."""

    videos: list[Path] = field(default_factory=list)
    images: list[Path] = field(default_factory=list)
    proxies: list[Path] = field(default_factory=list)  # smaller copies of videos
    left_out: list[LeftOutFile] = field(default_factory=list)

    def add(self, path: Path, reason: str | None = None) -> None:
        """Take a file by its kind, or leave it out for a reason; what is neither a video nor an image is nothing."""
        if reason is not None:
            self.left_out.append(LeftOutFile(str(path), reason))
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            self.videos.append(path)
        elif is_image(path):
            self.images.append(path)


def is_run(folder: Path) -> bool:
    """Whether a folder is a run directory, whose pictures are no footage."""
    return (folder / "run.json").is_file() and (folder / "windows").is_dir()


def find_in_folder(folder: Path) -> Found:
    """The footage of a folder: what lies in it with the folders that cameras make beside it; where nothing does, what
    lies in the folders below.

    Raises FramesError if the folder cannot be read.
    """
    found, nested = Found(), Found()
    for path in _files(folder, DEPTH, set()):
        inside = path.relative_to(folder)
        _take(found if len(inside.parts) == 1 else nested, path, inside)
    if found.videos or found.images or found.proxies:
        return _with_card_folders(found, nested, folder) if found.videos or nested.videos else found
    strays = [path for path in nested.videos or nested.images if not is_card(folder, path)]
    if nested.images and strays and not _is_dataset(nested):
        raise FramesError(_which_folder(folder, nested))
    return nested


def find_matches(pattern: str) -> Found:
    """The footage that a pattern of names matches, in folders that match too. Raises FramesError if nothing does."""
    matches = sorted(map(Path, glob.glob(os.path.expanduser(pattern), recursive=True)), key=natural_key)
    if not matches:
        raise FramesError(f"no file matches '{pattern}': check the pattern")
    files = find_files(path for path in matches if path.is_file())
    return files if files.images else join([files, *(find_in_folder(path) for path in matches if is_searched(path))])


def find_files(paths: Iterable[Path]) -> Found:
    """The footage among files that were named one by one."""
    found = Found()
    for path in paths:
        if path.suffix.lower() in (*VIDEO_SUFFIXES, *PROXY_SUFFIXES, *THUMBNAIL_SUFFIXES) or is_image(path):
            _take(found, path, Path(path.name))
        elif not path.name.startswith("."):
            found.add(path, "neither a video nor an image")
    return found


def join(parts: Iterable[Found]) -> Found:
    """All that was found, one after the other."""
    joined = Found()
    for part in parts:
        joined.videos += part.videos
        joined.images += part.images
        joined.proxies += part.proxies
        joined.left_out += part.left_out
    return joined


def chosen_kind(name: str, found: Found) -> Found:
    """The videos alone, or the images alone, the others left out with the reason: frames of one sequence are taken
    rather than a video beside them, videos rather than photographs, and proxies where nothing else is.

    Raises FramesError with one sentence if there are none.
    """
    found = _without_live_photographs(found)
    chosen = Found(left_out=list(found.left_out))
    if found.images and (not found.videos or is_sequence(found.images)):
        chosen.images = found.images
        _leave_out(chosen, [*found.videos, *found.proxies], "a video beside images: to use it, give it alone")
    elif found.videos:
        chosen.videos = found.videos
        _leave_out(chosen, found.images, "a picture beside videos: to use pictures, give them alone")
        _leave_out(chosen, found.proxies, "a proxy, a smaller copy")
    elif found.proxies:
        chosen.videos = found.proxies
    else:
        raise FramesError(f"'{name}' holds no video and no image: looked for {LOOKED_FOR}")
    return chosen


def _without_live_photographs(found: Found) -> Found:
    """Without the seconds of video that an iPhone keeps of a photograph, under its name."""
    photographs = {path.with_suffix("") for path in found.images}
    moving = [path for path in found.videos if LIVE.match(path.name) and path.with_suffix("") in photographs]
    rest = replace(found, videos=[path for path in found.videos if path not in moving], left_out=[*found.left_out])
    _leave_out(rest, moving, "the moving part of a photograph")
    return rest


def _leave_out(found: Found, paths: Iterable[Path], reason: str) -> None:
    for path in paths:
        found.add(path, reason)


def is_card(folder: Path, path: Path) -> bool:
    """Whether a file lies as cameras put it, in a folder of theirs."""
    return any(CARD_FOLDER.match(part) for part in (folder.name, *path.relative_to(folder).parts[:-1]))


def is_sequence(images: Sequence[Path]) -> bool:
    """Whether images are frames of one sequence: their names count on in even steps, nothing else changes in them, and
    they are not those of a camera's photographs."""
    parts = [re.split(r"(\d+)(?=\D*$)", path.stem.casefold(), maxsplit=1) for path in images]
    if len(images) < SEQUENCE or any(len(part) != 3 for part in parts) or len({part[0] for part in parts}) > 1:
        return False
    if CAMERA_ROLL.match(parts[0][0]) and all(path.suffix.lower() in PHOTOGRAPHS for path in images):
        return False
    numbers = sorted(int(part[1]) for part in parts)
    return len({later - earlier for earlier, later in zip(numbers, numbers[1:], strict=False)}) == 1


def _take(found: Found, path: Path, inside: Path) -> None:
    """Sort a file in; `inside` is its path within what was given."""
    if path.name.startswith("."):
        return
    suffix, folders = path.suffix.lower(), [part.lower() for part in inside.parts[:-1]]
    is_small = any(folder in PROXY_FOLDERS for folder in folders)
    if suffix in THUMBNAIL_SUFFIXES or (is_small and is_image(path)):
        found.add(path, "a thumbnail")
    elif suffix in PROXY_SUFFIXES or (suffix in VIDEO_SUFFIXES and (is_small or PROXY.search(path.stem))):
        found.proxies.append(path)
    else:
        found.add(path)


def _with_card_folders(found: Found, nested: Found, folder: Path) -> Found:
    """The files of a folder with those in folders of cameras beside them; videos elsewhere below are left out."""
    for path in (*nested.videos, *nested.images):
        if all(CARD_FOLDER.match(part) for part in path.relative_to(folder).parts[:-1]):
            found.add(path)
        elif path in nested.videos:
            found.add(path, "in a folder below: give that folder")
    found.left_out += nested.left_out
    found.proxies += nested.proxies
    return found


def _is_dataset(nested: Found) -> bool:
    """Whether there is one folder of pictures, beside folders of their masks or maps."""
    if nested.videos:
        return False
    images = sort_images(nested.images)
    return len({path.parent for path in images.pictures}) == 1 and bool(images.masks or images.left_out)


def _which_folder(folder: Path, nested: Found) -> str:
    if not nested.videos:
        pictures = sort_images(nested.images).pictures or nested.images
        return f"the folder '{folder}' holds no images itself, but a folder of them: give '{pictures[0].parent}'"
    videos = nested.videos[0].parent
    images = next((path.parent for path in nested.images if path.parent != videos), videos)
    return f"the folder '{folder}' holds videos in '{videos}' and images in '{images}': give one of them"


def _files(folder: Path, depth: int, seen: set[str]) -> Iterator[Path]:
    """All files of a folder and of those below, in natural order, each folder once though links lead to it again."""
    seen.add(os.path.realpath(folder))
    for path in _entries(folder):
        if not path.is_dir():
            if path.is_file():
                yield path
        elif depth and is_searched(path) and os.path.realpath(path) not in seen:
            yield from _files(path, depth - 1, seen)


def is_searched(folder: Path) -> bool:
    """Whether a folder may hold footage: it is not hidden, no system's own and no run's, and may be read."""
    is_own = folder.name.startswith(".") or folder.name.lower() in NOT_FOOTAGE
    return folder.is_dir() and not is_own and os.access(folder, os.R_OK | os.X_OK) and not is_run(folder)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=natural_key)
    except OSError as error:
        raise FramesError(f"the folder '{folder}' cannot be read ({error.strerror}): check its permissions") from None
