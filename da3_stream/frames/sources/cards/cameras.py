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
    told = any(name.camera for name in names)
    of_names = [(name, name.camera or ("front" if told else "")) for name in names]
    cameras = sorted({camera for _, camera in of_names} - {""}, key=_rank)
    chosen = _canonical(wanted) if wanted else next(iter(cameras), "")
    if wanted and chosen not in cameras:
        raise FramesError(_why_missing(wanted, cameras))
    if len(cameras) < 2:
        return list(names), [], ""
    used = [name for name, camera in of_names if camera == chosen]
    apart = [LeftOutFile(str(name.path), f"of the {camera} camera") for name, camera in of_names if camera != chosen]
    others = ", ".join(camera for camera in cameras if camera != chosen)
    return used, apart, f"the {chosen} camera is used; --camera takes another: {others}"


def _canonical(wanted: str) -> str:
    return SAME.get(wanted.lower(), wanted.lower())


def _rank(camera: str) -> tuple[int, str]:
    return (FIRST.index(camera) if camera in FIRST else len(FIRST), camera)


def _why_missing(wanted: str, cameras: Sequence[str]) -> str:
    if not cameras:
        return f"the input tells of no camera '{wanted}': its files name none; leave --camera out"
    return f"the input has no camera '{wanted}': it has {', '.join(cameras)}"
