"""Giving an input its masks: those of the user, and those that lie beside its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ....errors import FramesError
from ....settings import CameraSettings
from ....types import AdviceCode
from ..source import FrameSource
from .by_hand import HandMasks, MaskFiles, find_masks, masks_beside

MOST_NAMED = 3
SUSPICIOUS = 0.6  # share of the picture


def attach_masks(source: FrameSource, camera: CameraSettings) -> None:
    """Give a source that is not open yet the masks of the settings and those beside its pictures, and say which.

    Raises FramesError for masks that are missing, or that belong to no picture.
    """
    by_hand = [_for_source(find_masks(name), source) for name in camera.mask_files]
    beside = [path for link in (source.chain.links if source.chain else ()) for path in link.recording.masks]
    if beside and not camera.mask_off:
        by_hand += [_for_source(masks, source) for masks in masks_beside(beside)]
        source.say(AdviceCode.INPUT_MASKS, f"used as masks (0: left out): {_beside(beside)}; --mask off where not")
    elif beside:
        source.say(AdviceCode.INPUT_MASKS, f"masks that are not used: {_beside(beside)}")
    source.masks = HandMasks(by_hand)


def tell_masks(source: FrameSource) -> None:
    """Say of a source that is open how much its masks leave out."""
    share = source.masks.first_share
    if share is None:
        return
    doubt = "; 0 (black) is what they leave out: are they the other way round?" if share > SUSPICIOUS else ""
    source.say(AdviceCode.INPUT_MASKS, f"masks leave out {share:.0%} of the first picture{doubt}")


def _beside(paths: Sequence[Path]) -> str:
    names = f"{paths[0].parent.name}/{paths[0].name}"
    return f"{len(paths)} files beside the pictures, such as {names}" if len(paths) > 1 else names


def _for_source(masks: MaskFiles, source: FrameSource) -> MaskFiles:
    """The masks as this input counts its frames; says how many frames have none. Raises FramesError if all do."""
    if masks.common is not None:
        return masks
    frames = list(_known_frames(source))
    if source.kind == "images" or any(masks.is_named(name) for name, _ in frames):
        masks.by_number = {}  # numbers in names that are pictures' count nothing
    elif (count := source.chain.count if source.chain else None) and _counts_from_one(masks, count):
        masks.by_number = {number - 1: path for number, path in masks.by_number.items()}
        source.say(AdviceCode.INPUT_MASKS, f"the numbers of masks in '{masks.where}' are taken to count from 1")
    missing = [name for name, index in frames if masks.find(name, index) is None]
    _tell_missing(masks, source, missing, len(frames))
    return masks


def _counts_from_one(masks: MaskFiles, count: int) -> bool:
    return 0 not in masks.by_number and max(masks.by_number, default=0) == count


def _known_frames(source: FrameSource) -> Iterator[tuple[str, int]]:
    """Names and indices of the frames as far as they are known without decoding any."""
    if source.chain is None:
        return
    if source.kind == "images":
        yield from ((candidate.name, candidate.index) for candidate in source.candidates())
        return
    numbers = (
        (link, number) for link in source.chain.links for number in range(link.repeated, link.recording.count or 0)
    )
    for index, (link, number) in enumerate(numbers):
        yield f"{link.recording.paths[0].stem}_{number:06d}", index


def _tell_missing(masks: MaskFiles, source: FrameSource, missing: Sequence[str], total: int) -> None:
    if total and len(missing) == total:
        raise FramesError(
            f"no mask of '{masks.where}' belongs to a frame: name them after their pictures, as 0001.png or "
            f"0001_mask.png for 0001.jpg, or after the numbers of a video's frames (the first here is {missing[0]})"
        )
    if missing:
        names = ", ".join(missing[:MOST_NAMED]) + (", ..." if len(missing) > MOST_NAMED else "")
        text = f"{len(missing)} of {total} frames have no mask in '{masks.where}' ({names}): all of them counts"
        source.say(AdviceCode.INPUT_MASKS, text)
