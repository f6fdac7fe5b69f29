"""What the text of `--intrinsics` says: a line of numbers, or a file, and which of the cameras in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import SettingsError
from .colmap import is_colmap, read_colmap
from .kalibr import is_kalibr, read_kalibr
from .kitti import is_kitti, read_kitti
from .known_camera import GIVEN, KnownCamera
from .lines import EXPECTED, read_line, read_matrix
from .mappings import SUFFIXES, read_mapping
from .nerfstudio import is_nerfstudio, read_nerfstudio
from .opencv import read_opencv
from .single_names import has_single_names, read_single_names

MAX_BYTES = 64 * 2**20  # of a file of calibrations; a transforms.json of 100 000 frames is smaller


def read_calibration(text_or_file: str) -> KnownCamera:
    """The camera of a line fx,fy,cx,cy[,k1,k2,p1,p2[,k3]][@WxH] or opencv_fisheye:fx,fy,cx,cy,k1,k2,k3,k4[@WxH] in
    OpenCV's convention (first pixel centre at 0), or of a file, each kind in its own convention.

    A file holds such a line, a 3x3 matrix, or what OpenCV, ROS, Kalibr, KITTI, COLMAP or nerfstudio write; of several
    cameras in it FILE:NAME takes one, FILE the first. Raises SettingsError with one sentence.
    """
    text = text_or_file.strip()
    path, name = _split_name(text)
    if path is None:
        return replace(read_line(text, f"the intrinsics '{text}'"), source=GIVEN)
    what = f"the intrinsics in '{path}'"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"the intrinsics file '{path}' is too large for one: {EXPECTED}")
        kind, cameras = _read_file(path, what)
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the intrinsics file '{path}' cannot be read as text: {EXPECTED}") from None
    if not cameras:
        raise SettingsError(f"the intrinsics file '{path}' holds no camera's matrix or focal length: {EXPECTED}")
    return _choose(cameras, name, path, kind)


def _split_name(text: str) -> tuple[Path | None, str | None]:
    """The file and the camera's name in it, either None where there is none."""
    left, colon, right = text.rpartition(":")
    for file, name in ((text, None), (left if colon else "", right)):
        try:
            if file and Path(file).expanduser().is_file():
                return Path(file).expanduser(), name
            if file and Path(file).expanduser().is_dir():
                raise SettingsError(f"the intrinsics '{file}' are a folder: give the file in it")
        except (OSError, ValueError):
            continue
    return None, None


def _read_file(path: Path, what: str) -> tuple[str, dict[str, KnownCamera]]:
    """What kind of file it is, and its cameras by name."""
    suffix = path.suffix.lower()
    if suffix == ".bin":
        return "COLMAP", read_colmap(path, what)
    if suffix in SUFFIXES:
        return _read_mapping(path, what)
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    if lines and lines[0].startswith(("%YAML", "{")):
        return _read_mapping(path, what)
    lines = [line for line in lines if line and not line.startswith("#")]
    if is_kitti(lines):
        return "KITTI", read_kitti(lines, what)
    if is_colmap(lines):
        return "COLMAP", read_colmap(path, what)
    matrix = read_matrix(lines, what)
    if matrix is not None:
        return "matrix", {"": matrix}
    if len(lines) != 1:
        raise SettingsError(f"the intrinsics file '{path}' has {len(lines)} lines with numbers: {EXPECTED}")
    return "line", {"": read_line(lines[0], what)}


def _read_mapping(path: Path, what: str) -> tuple[str, dict[str, KnownCamera]]:
    mapping = read_mapping(path)
    if is_kalibr(mapping):
        return "Kalibr", read_kalibr(mapping, what)
    if is_nerfstudio(mapping):
        return "nerfstudio", read_nerfstudio(mapping, what)
    if has_single_names(mapping):
        return "names", read_single_names(mapping, what)
    is_ros = "distortion_model" in mapping
    return "ROS camera_info" if is_ros else "OpenCV", read_opencv(mapping, what)


def _choose(cameras: dict[str, KnownCamera], name: str | None, path: Path, kind: str) -> KnownCamera:
    """The camera of that name, else the first, with the names of those that differ from it."""
    names = [key for key in cameras if key]
    if name is not None and name not in cameras:
        there = f"it has {', '.join(names)}" if names else "its camera has no name"
        raise SettingsError(f"the intrinsics file '{path}' has no camera '{name}': {there}")
    chosen = name if name is not None else next(iter(cameras))
    camera = cameras[chosen]
    others = tuple(key for key in names if cameras[key] != camera)
    return replace(camera, source=f"{path}{f':{chosen}' if others else ''} ({kind})", others=others)
