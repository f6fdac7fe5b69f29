"""The gate that keeps a frame when the view has moved far enough since the last kept one.

It leaves out the frames of a camera that stands still, blank, blurred and overexposed frames, and glitches: single
images of something else. Which frames it keeps after a kept frame depends on that frame, on the numbers stored with it
(`Frame.gate_state`) and on the frames after it, but on nothing before it. That is what lets an interrupted run resume
at any kept frame.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...types import Frame
from .image_quality import measure_quality
from .left_out import LeftOutFrame, NextKept, interpolation_fractions, widest_view
from .optical_flow import are_unrelated, measure_motion, measure_tile_motion
from .quality_baseline import BASELINE_FRAMES, MeasuredFrame, QualityBaseline

MAX_DEGRADED_RUN = 10  # degraded frames left out in a row; more are no accident but what the video looks like now
MAX_BLURRED_MOTION = 0.15  # of the image's longer side; a blurred frame is kept rather than to jump farther than this
MAX_PENDING = 4  # untracked frames that are held until a later frame tells whether they are a cut, a glitch or a leap


class MotionGate:
    """Keeps a frame when near objects have moved by `parallax`, a share of the image's longer side, since the last one.

    The last kept frame is held until the next one is known, as the frames left out between the two are placed by both.
    Besides it at most `MAX_PENDING` + 1 frames are held.
    """

    def __init__(self, parallax: float) -> None:
        self._parallax = parallax
        self._kept: MeasuredFrame | None = None
        self._left_out: list[LeftOutFrame] = []  # since the kept frame, or before the first one
        self._pending: list[MeasuredFrame] = []
        self._cut_ahead = False  # the next frame that is kept begins a shot, as the source says
        self._blank_start: Frame | None = None
        self._blank_last: Frame | None = None
        self._baseline, self._next = QualityBaseline(), 0
        self._released_state: dict[str, Any] = {}
        self._resume_state: Mapping[str, Any] = {}

    def feed(self, frame: Frame) -> list[Frame]:
        """See `Gate`."""
        if frame.index < self._resume_state.get("index", frame.index):
            return []
        measured = MeasuredFrame(frame, measure_quality(frame.image, frame.mask))
        if self._resume_state:
            return self._resume(measured)
        return self._begin_shot(measured) if frame.begins_shot else self._decide(measured)

    def finish(self) -> list[Frame]:
        """See `Gate`."""
        out: list[Frame] = []
        if self._kept is None and self._blank_start is not None:
            out += self._keep_blanks(self._blank_start)
        out += self._keep_pending()
        out += self._release(None)
        self._kept, self._left_out = None, []
        return out

    def _begin_shot(self, measured: MeasuredFrame) -> list[Frame]:
        """Decide on the first frame of another recording: no later frame tells more of those that are pending."""
        out = self._keep_pending()
        self._cut_ahead = self._kept is not None
        return out + self._decide(measured)

    def _keep_pending(self) -> list[Frame]:
        pending, self._pending = self._pending, []
        return [frame for measured in pending for frame in self._keep(measured)]

    def _keep_blanks(self, start: Frame) -> list[Frame]:
        """Keep the first and the last frame of an input that is blank throughout: the predictor reports that it shows
        nothing."""
        between, last, self._left_out = self._left_out[1:-1], self._blank_last, []
        out = self._keep(MeasuredFrame(start, measure_quality(start.image, start.mask)))
        if last is not None and last is not start:
            self._left_out = between
            out += self._keep(MeasuredFrame(last, measure_quality(last.image, last.mask)))
        return out

    def state(self) -> dict[str, Any]:
        """See `Gate`."""
        return self._released_state

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Gate`."""
        self._resume_state = state

    def _resume(self, measured: MeasuredFrame) -> list[Frame]:
        """Restore the state as of the frame that it was stored with, and keep that frame again."""
        state, self._resume_state = self._resume_state, {}
        self._next = state["ordinal"]
        self._baseline = QualityBaseline(
            deque(state["sharpness"], BASELINE_FRAMES), deque(state["clipped"], BASELINE_FRAMES)
        )
        return self._accept(measured, begins_shot=state["begins_shot"])

    def _decide(self, measured: MeasuredFrame) -> list[Frame]:
        """Keep a frame, leave it out, or hold it as pending; return the kept frames that this releases."""
        if measured.quality.is_blank:
            return self._leave_out(measured, "blank")
        if self._kept is None or self._cut_ahead:
            return self._keep(measured, begins_shot=self._cut_ahead)
        if self._baseline.is_clipped(measured.quality) and self._may_reject_degraded():
            return self._leave_out(measured, "overexposed or black")
        motion = measure_motion(self._kept.quality, measured.quality)
        if not motion.is_known:
            return self._keep(measured)
        if motion.is_certain or (motion.is_tracked and not self._pending):
            return self._decide_tracked(measured, motion.motion)
        return self._decide_untracked(measured)

    def _decide_tracked(self, measured: MeasuredFrame, motion: float) -> list[Frame]:
        """Decide on a frame that shows the same view as the kept one; pending frames between the two were glitches."""
        self._leave_out_glitches(self._pending)
        self._pending = []
        if motion < self._parallax:
            motion = max(motion, self._tile_motion(measured))
        if motion < self._parallax:
            return self._leave_out(measured, "still", motion)
        if self._baseline.is_blurred(measured.quality) and motion < MAX_BLURRED_MOTION and self._may_reject_degraded():
            return self._leave_out(
                measured, "blurred"
            )  # optical flow of blurred images is unreliable, so its motion is not recorded
        return self._keep(measured, motion)

    def _tile_motion(self, measured: MeasuredFrame) -> float:
        assert self._kept is not None
        return measure_tile_motion(self._kept.quality, measured.quality)

    def _decide_untracked(self, measured: MeasuredFrame) -> list[Frame]:
        """Hold a frame that cannot be tracked from the kept one: later frames tell a cut, a glitch and a leap apart."""
        if self._pending and measure_motion(self._pending[-1].quality, measured.quality).is_tracked:
            return self._settle(measured)
        self._pending.append(measured)
        if len(self._pending) <= MAX_PENDING:
            return []
        # None of them tracks into the next: the camera moves too fast for optical flow, so the predictor gets them.
        return self._keep_and_decide(self._pending[0], self._pending[1:])

    def _settle(self, measured: MeasuredFrame) -> list[Frame]:
        """Decide on the pending frames once the last of them and this frame show the same view.

        A glitch is a single image, so two frames of one new view are footage: either the camera leapt farther than
        optical flow can follow, or a cut lies between. Keypoint matching bridges far larger motions than optical flow
        and separates the two. It is run only here because it is slow. A leap is looked for in all pending frames, from
        the first: the earliest one that matches the kept frame continues the shot, and those before it were glitches.
        If none matches, the cut lies before the last pending frame, as that is the first one known to belong to the new
        view.
        """
        assert self._kept is not None
        pending, kept = self._pending, self._kept.frame.image
        for k, candidate in enumerate(pending):
            if not are_unrelated(kept, candidate.frame.image):
                self._leave_out_glitches(pending[:k])
                return self._keep_and_decide(candidate, [*pending[k + 1 :], measured])
        self._leave_out_glitches(pending[:-1])
        return self._keep_and_decide(pending[-1], [measured], begins_shot=True)

    def _keep_and_decide(
        self, first: MeasuredFrame, rest: Sequence[MeasuredFrame], begins_shot: bool = False
    ) -> list[Frame]:
        """Keep the first frame, and decide on the others again, relative to it."""
        self._pending = []
        out = self._keep(first, begins_shot=begins_shot)
        for measured in rest:
            out += self._decide(measured)
        return out

    def _leave_out(self, measured: MeasuredFrame, reason: str, motion: float = math.nan) -> list[Frame]:
        if self._kept is None:
            self._blank_start = self._blank_start if self._left_out else measured.frame
            self._blank_last = measured.frame
        frame = measured.frame
        self._left_out.append(LeftOutFrame(frame.index, frame.timestamp, motion, reason, frame.view_share))
        return []

    def _leave_out_glitches(self, glitches: Sequence[MeasuredFrame]) -> None:
        for measured in glitches:
            self._leave_out(measured, "glitch")
        if glitches:
            self._left_out.sort(key=lambda entry: entry.index)  # others may have been left out while these were pending

    def _may_reject_degraded(self) -> bool:
        """Whether fewer than `MAX_DEGRADED_RUN` frames in a row were left out for their quality."""
        recent = self._left_out[-MAX_DEGRADED_RUN:]
        return len(recent) < MAX_DEGRADED_RUN or any(entry.reason == "still" for entry in recent)

    def _keep(self, measured: MeasuredFrame, motion: float = math.nan, begins_shot: bool = False) -> list[Frame]:
        if begins_shot or self._baseline.is_degraded(measured.quality):
            self._baseline.reset()  # the baseline starts anew: this is what the video looks like now
        self._baseline.add(measured.quality)
        return self._accept(measured, motion, begins_shot)

    def _accept(self, measured: MeasuredFrame, motion: float = math.nan, begins_shot: bool = False) -> list[Frame]:
        """Make a frame the kept one whose quality is in the baseline already; return the frame kept before it."""
        out = self._release(None if begins_shot else NextKept(measured.frame.timestamp, motion))
        leading = interpolation_fractions(0.0, self._left_out, None) if self._kept is None else ()
        state = {
            "index": measured.frame.index,
            "ordinal": self._next,
            "begins_shot": begins_shot,
            "sharpness": list(self._baseline.sharpness),
            "clipped": list(self._baseline.clipped),
        }
        frame = replace(measured.frame, ordinal=self._next, begins_shot=begins_shot, left_out=leading, gate_state=state)
        self._kept, self._left_out, self._cut_ahead = MeasuredFrame(frame, measured.quality), [], False
        self._blank_start = self._blank_last = None
        self._next += 1
        return out

    def _release(self, next_kept: NextKept | None) -> list[Frame]:
        """Return the kept frame, if there is one, with the frames left out since."""
        if self._kept is None:
            return []
        frame = self._kept.frame
        self._released_state = dict(frame.gate_state or {})
        left_out = interpolation_fractions(frame.timestamp, self._left_out, next_kept)
        view_share = widest_view(frame, self._left_out)
        return [replace(frame, left_out=(*frame.left_out, *left_out), view_share=view_share)]
