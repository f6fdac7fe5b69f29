"""What an input holds, told before anything is done with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ..errors import FramesError
from .sources.source import FrameSource

MOST_LINES = 5  # for files of a folder that are left out for the same reason


def listing(source: FrameSource) -> dict[str, Any]:
    """The files of an input in their order, each with its path, the time and number of its first frame in the input,
    how many frames it gives, how many of its first ones are dropped since the file before ends with them, and whether a
    cut lies before it; the files that were left out, with the reasons; and what else is to be said.

    Raises FramesError for an input that is not made of files.
    """
    if source.chain is None or source.kind == "arrays":
        raise FramesError(f"{source.name} is a live input: only of files can be told what they hold")
    return {
        "name": source.name,
        "kind": source.kind,
        "size": source.size,
        "fps": source.fps,
        "has_times": source.has_times,
        "frames": source.chain.count,
        "selected": source.expected,
        "files": [
            {
                "path": file.path,
                "start_s": file.start_s,
                "frames": file.frames,
                "first_index": file.first_index,
                "repeated": file.first_number,
                "begins_shot": link.begins_shot and position > 0,
            }
            for position, (file, link) in enumerate(zip(source.chain.planned(), source.chain.links, strict=True))
        ],
        "left_out": [{"path": file.path, "reason": file.reason} for file in source.left_out],
        "advice": [{"code": advice.code.value, "text": advice.text} for advice in source.advice],
    }


def listing_text(facts: dict[str, Any]) -> str:
    """The same for people."""
    width, height = facts["size"]
    rate = f" at {facts['fps']:.6g} a second" if facts["fps"] else ""
    lines = [f"{_frames(facts['frames'] or 'some')} of {width}x{height}{rate}, {facts['kind']}"]
    lines += [_line(file, facts["files"][0]["start_s"]) for file in facts["files"]]
    lines += [f"left out: {text}" for text in _left_out(facts["left_out"])]
    lines += [f"note: {advice['text']}" for advice in facts["advice"] if not advice["text"].startswith("left out")]
    return "\n".join(lines)


def _line(file: dict[str, Any], first_s: float) -> str:
    frames = _frames("?" if file["frames"] is None else file["frames"])
    follows = [f"{file['repeated']} dropped"] if file["repeated"] else []
    follows += ["a cut before it"] if file["begins_shot"] else []
    begins = _clock(file["start_s"] - first_s)
    return f"{begins:>14}  {frames:>13}  {file['path']}{''.join(f', {text}' for text in follows)}"


def _frames(count: int | str) -> str:
    return "1 frame" if count == 1 else f"{count} frames"


def _left_out(files: Sequence[dict[str, str]]) -> Iterator[str]:
    """One line for each file, or for all files of a folder with the same reason where there are many."""
    for (folder, reason), group in groupby(files, lambda file: (str(Path(file["path"]).parent), file["reason"])):
        paths = [file["path"] for file in group]
        if len(paths) <= MOST_LINES:
            yield from (f"{path} ({reason})" for path in paths)
        else:
            yield f"{len(paths)} files in {folder}, {Path(paths[0]).name} to {Path(paths[-1]).name} ({reason})"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:06.3f}"
