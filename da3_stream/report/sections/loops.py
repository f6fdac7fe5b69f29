"""Loops: which were taken, which refused and why, with the pictures of the best of both."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from ...errors import StoreError
from ...store import LoopLine, read_images
from ..words import moment
from .html import escape, figure, folded, number, section, table
from .subject import Subject

_MOST_TAKEN, _MOST_REFUSED = 4, 3  # with pictures
_MOST_ROWS, _MOST_DRAWN = 50, 300
_WIDTH = 260  # of a picture


def pairs_of(subject: Subject, *, accepted: bool) -> list[LoopLine]:
    """Loops that were taken or refused, at most `_MOST_DRAWN` of them."""
    return [loop for loop in subject.loops if loop.accepted is accepted][:_MOST_DRAWN]


def loops(subject: Subject) -> str:
    """Counts, pictures and a table; empty where no place was recognised."""
    taken, refused = pairs_of(subject, accepted=True), pairs_of(subject, accepted=False)
    if not taken and not refused:
        return ""
    counts = subject.facts["loops"]
    said = (
        f"<p>{figure('loops.taken', counts['taken'])} taken, {figure('loops.refused', counts['refused'])} "
        f"refused{_spared(subject)}. A loop that is refused does no harm.</p>"
    )
    shown = [*_best(taken, _MOST_TAKEN), *_best(refused, _MOST_REFUSED)]
    pictures = "".join(_pair(subject, loop) for loop in shown)
    return section("loops", "Loops", said, f'<div class="pairs">{pictures}</div>', _tables(subject, taken, refused))


def _spared(subject: Subject) -> str:
    spared = sum(event["count"] for event in subject.events if event["event"] == "loops not looked at")
    return f", {number(spared)} candidates not looked at, as the map knows as much already" if spared else ""


def _best(loops: Sequence[LoopLine], most: int) -> list[LoopLine]:
    """Those that look most alike, in the order of the run."""
    alike = sorted(loops, key=lambda loop: -loop.told.get("similarity", 0.0))[:most]
    return [loop for loop in loops if loop in alike]


def _pair(subject: Subject, loop: LoopLine) -> str:
    pictures = [_picture(subject, index) for index in (loop.earlier, loop.later)]
    if "" in pictures:
        return ""
    style = "taken" if loop.accepted else "refused"
    when = " and ".join(_when(subject, index) for index in (loop.earlier, loop.later))
    why = "taken" if loop.accepted else f"refused: {loop.reason}"
    return (
        f'<figure class="{style}"><div>{"".join(pictures)}</div><figcaption>{when}: {escape(why)}</figcaption></figure>'
    )


def _picture(subject: Subject, index: int) -> str:
    """The stored picture of a frame, small; empty where none is stored."""
    import cv2

    poses = subject.reader.geometry.frame_poses
    row = int(np.searchsorted(poses.source_index, index))
    if row == len(poses.source_index) or poses.source_index[row] != index:
        return ""
    try:
        image = read_images(subject.reader.run, int(poses.submap[row]), [index])[0]
    except (KeyError, StoreError):
        return ""
    height = max(round(image.shape[0] * _WIDTH / image.shape[1]), 1)
    small = cv2.resize(image[..., ::-1], (_WIDTH, height), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 70])
    return f'<img alt="frame {index}" src="data:image/jpeg;base64,{b64encode(data.tobytes()).decode("ascii")}">'


def _when(subject: Subject, index: int) -> str:
    row = subject.row_of(index)
    return f"frame {index}" if row is None else moment(float(subject.times[row]))


def _tables(subject: Subject, taken: Sequence[LoopLine], refused: Sequence[LoopLine]) -> str:
    rows = [list(_cells(subject, loop)) for loop in [*taken[:_MOST_ROWS], *refused[:_MOST_ROWS]]]
    head = ("frames", "when", "", "look alike", "inliers", "residual", "depth agrees")
    reasons = Counter(loop.reason for loop in refused).most_common()
    said = "".join(f"<li>{count} refused: {escape(reason)}</li>" for reason, count in reasons)
    return folded("All of them", f"<ul>{said}</ul>{table(rows, head)}")


def _cells(subject: Subject, loop: LoopLine) -> Iterator[str]:
    a, b = loop.earlier, loop.later
    yield f"{a}, {b}"
    yield f"{_when(subject, a)}, {_when(subject, b)}"
    yield "taken" if loop.accepted else escape(loop.reason)
    for key in ("similarity", "inlier_ratio", "residual", "depth_agreement"):
        yield figure(f"loop.{a}-{b}.{key}", loop.told.get(key))
