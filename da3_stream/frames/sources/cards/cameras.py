"""Choosing one of the cameras that recorded at once."""

from __future__ import annotations

from collections.abc import Sequence

from ....errors import FramesError
from ..chain import LeftOutFile
from .names import ClipName

FIRST = ("front", "main", "wide", "lens 00", "left")  # taken, in this order, where nothing is asked for
SAME = {"back": "rear", "inside": "interior", "cabin": "interior"}


def choose_camera(names: Sequence[ClipName], wanted: str | None) -> tuple[list[ClipName], list[LeftOutFile], str]:
    """The files of one camera, those of the others, and a sentence where there are others.

    Files whose names tell no camera beside some that do are the front one's. Raises FramesError where the camera that
    is wanted is not there.
    """
    cameras = sorted({_camera(name, names) for name in names} - {None}, key=_rank)
    if wanted is not None and _canonical(wanted) not in cameras:
        raise FramesError(_why_missing(wanted, cameras))
    if len(cameras) < 2 or not cameras[0]:
        return list(names), [], ""
    chosen = cameras[0] if wanted is None else _canonical(wanted)
    others = ", ".join(str(camera) for camera in cameras if camera != chosen)
    used = [name for name in names if _camera(name, names) == chosen]
    apart = [LeftOutFile(str(name.path), f"of the {_camera(name, names)} camera") for name in names if name not in used]
    return used, apart, f"the {chosen} camera is used; --camera takes another: {others}"


def _camera(name: ClipName, names: Sequence[ClipName]) -> str | None:
    if name.camera is None and any(other.camera for other in names):
        return "front"
    return name.camera


def _canonical(wanted: str) -> str:
    return SAME.get(wanted.lower(), wanted.lower())


def _rank(camera: str | None) -> tuple[int, str]:
    return (FIRST.index(camera) if camera in FIRST else len(FIRST), camera or "")


def _why_missing(wanted: str, cameras: Sequence[str | None]) -> str:
    if not cameras:
        return f"the input tells of no camera '{wanted}': its files name none; leave --camera out"
    return f"the input has no camera '{wanted}': it has {', '.join(map(str, cameras))}"
