"""What people want to know of a run when it happens: each thing once, in the words that the report has for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...report.said import Said, said
from ...slam import WindowUpdate
from ...slam.update import Event
from ...types import Advice, SkippedFrame, Status
from ..advice.run_trust import trust_until_now
from ..advice.unplaced import of_failed_window
from ..job import Job
from ..status import RunStatus

MOST_SEGMENTS = 10  # that are told one by one


@dataclass(frozen=True)
class News:
    """A line for people, and the name and the fields of the event for programs."""

    event: str
    line: str
    fields: dict[str, Any] = field(default_factory=dict)


class NewsWatch:
    """What of a run's status was not told yet; what an earlier process of the run saw, it told.

    Advice of one code is told once, when it first appears: what it grows to is in the report.
    """

    def __init__(self, job: Job, status: RunStatus) -> None:
        self._job, self._status = job, status
        self._told = {row.code for row in status.advice.rows}
        self._skipped, self._segments, self._height_used = len(status.skipped), 0, False

    def of_window(self, update: WindowUpdate) -> Iterator[News]:
        """What a window brought, whose status is counted."""
        yield from self._of_skipped(self._status.skipped)
        yield from self._of_failure(update)
        yield from self.of_advice()
        for event in update.events:
            yield from self._of_event(event)

    def of_advice(self) -> Iterator[News]:
        """Codes that appeared since it was asked last."""
        yield from self._of_rows([*self._job.source.advice, *self._status.advice.rows])

    def _of_rows(self, rows: Iterable[Advice]) -> Iterator[News]:
        new = [row for row in rows if row.code not in self._told]
        for row in self._said(new):
            if row.code not in self._told:
                self._told.add(row.code)
                about = {"code": row.code.value, "text": row.text, "from_s": row.from_s, "to_s": row.to_s}
                yield News("advice", row.line, {**about, "distrusts_map": row.distrusts_map})

    def _said(self, rows: Sequence[Advice]) -> list[Said]:
        """As the report says it."""
        source, status = self._job.source, self._status
        trust = trust_until_now(rows, status.source_indices, status.timestamps, source.first_time)
        of_run = {"has_times": source.has_times, "input": {"kind": source.kind}}
        remarks = [[_row(remark) for remark in part] for part in (trust.stretches, trust.advice)]
        settings = self._job.settings.model_dump(mode="json")
        return said({**of_run, "settings": settings, "trust": {"stretches": remarks[0]}, "advice": remarks[1]})

    def _of_failure(self, update: WindowUpdate) -> Iterator[News]:
        """A window without poses; the frames that it shares with others may have some."""
        window, geometry = update.prediction.window, update.prediction.geometry
        if geometry.status == Status.FAILED and window.owned_frames:
            yield from self._of_rows([of_failed_window([f.index for f in window.owned_frames], geometry.notes)])

    def _of_skipped(self, skipped: Sequence[SkippedFrame]) -> Iterator[News]:
        """The first ones that there are; later ones are counted."""
        new, self._skipped = skipped[self._skipped :], len(skipped)
        if new and len(new) == len(skipped):
            more = f" (and {len(new) - 1} more)" if len(new) > 1 else ""
            line = f"skipped: {new[0].name}: {new[0].reason}{more}; later ones are counted in run.json"
            yield News("skipped", line, {"index": new[0].index, "name": new[0].name, "reason": new[0].reason})

    def _of_event(self, event: Event) -> Iterator[News]:
        """Lines of the journal that change what a map is worth."""
        fields, reason = event.fields, event.fields.get("reason")
        if event.kind == "segment" and fields["segment"] > 0:
            self._segments += 1
            if self._segments <= MOST_SEGMENTS:
                last = "; further ones are counted only" if self._segments == MOST_SEGMENTS else ""
                line = f"segment {fields['segment']} begins, tied to nothing before it: {reason}{last}"
                yield News("segment", line, {"segment": fields["segment"], "reason": reason})
        elif event.kind == "segments joined":
            line = f"segment {fields['joined']} is tied to segment {fields['segment']} now"
            yield News("segments_joined", line, {"segment": fields["segment"], "joined": fields["joined"]})
        elif event.kind == "loops stopped":
            yield News("loops_stopped", f"loops are sought no more: {reason}", {"reason": reason})
        elif event.kind == "camera height":
            dropped, self._height_used = self._height_used and not fields["used"], fields["used"]
            if dropped:
                line = f"scale: the camera's height is used no more: {reason}"
                yield News("camera_height", line, {"used": False, "reason": reason})


def _row(remark: Any) -> dict[str, Any]:
    return {"code": remark.code.value, "text": remark.text, "from_s": remark.from_s, "to_s": remark.to_s}
