"""page.html: a run in one file that opens from disk, no larger than it may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ...cloud.levels.layout import POINT_BYTES
from ...errors import ExportError
from ...store import RunReader
from ...store.files import json_line, replacing
from ...viewer import RunView, read_asset
from ..frame_views import selected_rows
from .document import Document, answer_size, make_document, write_answer
from .figures import STYLE, figures_html
from .pictures import static_mask, thumbnails
from .points import Held, choose_nodes, hold_points
from .selection import ShownFrames

if TYPE_CHECKING:
    from ..options import PageOptions
    from ..progress import Progress

MEGABYTE = 1_000_000
_PICTURE_SHARE = 0.2  # of what may be filled
_HERE_ONLY = {"exports": [], "export_commands": [], "has_report": False}  # what a file can't answer, or shouldn't tell


def export_page(reader: RunReader, path: Path, options: PageOptions, progress: Progress) -> str:
    """The page of a run with all its poses, thumbnails, the report's figures, and as many points as `max_mb` leaves
    room for.

    Raises ExportError where not even the poses fit.
    """
    with RunView(reader.path) as view:
        run = view.snapshot()
        reader = run.reader or reader
        indices = reader.poses.source_index[selected_rows(reader, options)]
        frames = ShownFrames(run, reader, np.isin(run.frames.source_index, indices))
        page = _Page.of(view, frames, options)
        chosen = choose_nodes(view, frames, page.room)
        with replacing(path) as file:
            file.write(page.document.before)
            points = progress.each("submaps", hold_points(view, frames, chosen), len(chosen))
            held = [_write_points(file, each) for each in points]
            _write_answers(file, {**page.answers, "/state": _state_with(page.state, held)})
            file.write(page.document.after)
    return _summary(page, held, path.stat().st_size)


@dataclass(frozen=True, eq=False)
class _Page:
    """All of a page but its points."""

    document: Document
    answers: dict[str, bytes]  # by path
    state: dict[str, Any]  # as a server would tell it, of the whole run
    room: int  # bytes that are left for points

    @staticmethod
    def of(view: RunView, frames: ShownFrames, options: PageOptions) -> _Page:
        """Raises ExportError where nothing is left."""
        most = int(options.max_mb * MEGABYTE)
        document = _document(frames.reader)
        answers = {**frames.tables(), **static_mask(frames)}
        left = most - document.size - _size(answers)
        pictures = thumbnails(view, frames, options.pictures, int(_PICTURE_SHARE * left))
        for found in pictures.values():
            answers |= found
        state = _state(view, [*pictures])
        room = most - document.size - _size(answers) - answer_size("/state", _longest(state))
        if room < 0:
            least = -(-(most - room) // (MEGABYTE // 10)) / 10
            raise ExportError(
                f"without a point a page of this run takes {least} MB: max_mb={options.max_mb:g} is too small"
            )
        return _Page(document, answers, state, room)


def _document(reader: RunReader) -> Document:
    page, style, script = (read_asset(name).decode() for name in ("index.html", "page.css", "page.js"))
    return make_document(page, style, script, figures_html(reader), STYLE)


def _state(view: RunView, pictures: list[int]) -> dict[str, Any]:
    """The same for the same run, whenever it is asked."""
    state = {**view.state(), **_HERE_ONLY, "epoch": "page", "previous_poll_s": None}
    changes = {"revision": 0, "splats": 0, "splats_revision": 0}  # splats stay where the run is
    submaps = [{**submap, **changes, "nodes": submap["nodes"] or 0} for submap in state["submaps"]]
    embedded = {"points": 0, "of": sum(submap["points"] for submap in submaps), "images": pictures}
    return {**state, "submaps": submaps, "embedded": embedded}


def _state_with(state: dict[str, Any], held: Iterable[Held]) -> bytes:
    """The answer /state: its submaps have what is in the file."""
    of = {each.submap: each for each in held}
    nothing = Held(-1, 0, 0, {})
    submaps = []
    for submap in state["submaps"]:
        each = of.get(submap["id"], nothing)
        submaps.append({**submap, "nodes": each.nodes, "points": each.points, "bytes": POINT_BYTES * each.points})
    points = sum(each.points for each in of.values())
    return json_line({**state, "submaps": submaps, "embedded": {**state["embedded"], "points": points}}).encode()


def _longest(state: dict[str, Any]) -> int:
    """Bytes of the answer /state, at most: of counts that have as many digits as ever."""
    of = state["embedded"]["of"]
    return len(_state_with(state, [Held(submap["id"], of, of, {}) for submap in state["submaps"]])) + len(str(of))


def _write_points(file: BinaryIO, held: Held) -> Held:
    """Its numbers are kept, its points are not."""
    _write_answers(file, held.answers)
    return replace(held, answers={})


def _write_answers(file: BinaryIO, answers: dict[str, bytes]) -> None:
    for path, body in answers.items():
        write_answer(file, path, body)


def _size(answers: dict[str, bytes]) -> int:
    return sum(answer_size(path, len(body)) for path, body in answers.items())


def _summary(page: _Page, held: Sequence[Held], size: int) -> str:
    points, of = sum(each.points for each in held), page.state["embedded"]["of"]
    pictures = len(page.state["embedded"]["images"])
    share = f"{points:,} of {of:,} points" if of else "no points"
    placed = page.state["run"]["frames_placed"]
    return f"{share}, the path of {placed} frames, {pictures} pictures, {size / MEGABYTE:.1f} MB"
