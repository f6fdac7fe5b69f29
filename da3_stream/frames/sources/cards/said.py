"""What a run says of the files that it reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..chain import LeftOutFile
from .follow import CLOCK_S, Following
from .order import Clip, RecordedOrder

NAMED = 3  # files by name in a sentence about many


def order_sentence(order: RecordedOrder, found: Sequence[Path], as_given: bool) -> str:
    """Which files are read in which order, and what it goes by; nothing for a single one."""
    paths = [clip.name.path for clip in order.clips]
    if len(paths) < 2:
        return ""
    given = [path for path in found if path in paths]
    instead = ", not as they were given" if as_given and given != paths else ""
    last = f"; {listed([clip.name.path.name for clip in order.last])} last, which tell no time" if order.last else ""
    names = short_names(paths)
    return f"{len(paths)} videos in the order of {order.words}{instead}: {names[0]} to {names[-1]}{last}"


def joint_sentences(joints: Sequence[Following]) -> list[str]:
    """How files follow each other."""
    named = list(zip(joints, short_names([Path(joint.link.recording.name) for joint in joints]), strict=True))
    repeats = [f"{name} ({joint.link.repeated})" for joint, name in named if joint.link.repeated]
    cuts = [name for joint, name in named if joint.link.begins_shot]
    gaps = [f"{joint.lead_s:.0f} s before {name}" for joint, name in named if joint.lead_s > CLOCK_S]
    early = [name for joint, name in named if joint.lead_s < -CLOCK_S]
    sentences = (
        (repeats, "the first frames of these are the last ones of the file before, and are dropped: {}"),
        (gaps, "between files, by their clocks, nothing was recorded for {}"),
        (cuts, "the picture does not go on from the file before, a cut, in {}"),
        (
            early,
            "these began before the file before ended, by their clocks, but show other pictures, and follow it: {}",
        ),
    )
    return [sentence.format(listed(items)) for items, sentence in sentences if items]


def left_out_sentences(files: Iterable[LeftOutFile]) -> list[str]:
    """Which files were left out, by reason."""
    reasons: dict[str, list[str]] = {}
    for file in files:
        reasons.setdefault(file.reason, []).append(Path(file.path).name)
    return [f"left out ({reason}): {listed(names)}" for reason, names in reasons.items()]


def missing_chapters(clips: Sequence[Clip]) -> str:
    """Which chapters of recordings are missing between others."""
    takes: dict[tuple[str, ...], list[Clip]] = {}
    for clip in clips:
        if clip.name.take and clip.name.chapter.isdecimal():
            takes.setdefault(clip.name.take, []).append(clip)
    gaps = [_behind_a_gap(take) for take in takes.values()]
    names = [name for gap in gaps for name in gap]
    return f"chapters are missing before {listed(names)}" if names else ""


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: the first few, and how many more."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _behind_a_gap(take: Sequence[Clip]) -> list[str]:
    """A maker's first chapter has the number 0 or 1."""
    before, behind = 0, []
    for clip in take:
        chapter = int(clip.name.chapter)
        if chapter > before + 1:
            behind.append(clip.name.path.name)
        before = chapter
    return behind


def short_names(paths: Sequence[Path]) -> list[str]:
    """Names of files without their folders, where those are not needed to tell them apart."""
    if len({path.name for path in paths}) == len(paths):
        return [path.name for path in paths]
    folder = os.path.commonpath([os.path.abspath(path) for path in paths])
    return [os.path.relpath(path, folder) for path in paths]
