"""The frame gate: frames that add nothing or harm stay out of windows, and hard cuts are told.

A frame is kept when the view has moved far enough since the last kept one. Left out are frames of a camera that
stands, blank, blurred and over-exposed ones, and glitches: single pictures of something else. What follows a kept
frame depends on that frame, on a few numbers (`Frame.gate_state`) and on the frames after it, and on nothing before.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol

from ...settings import FramesSettings
from ...types import Frame, SkippedFrame
from .image_quality import measure_quality
from .left_out import LeftOutFrame, NextKept, interpolation_fractions
from .optical_flow import are_unrelated, measure_motion
from .quality_baseline import BASELINE_FRAMES, MeasuredFrame, QualityBaseline

MAX_DEGRADED_RUN = 10  # in a row; more of them are no accident but what the video looks like now
MAX_BLURRED_MOTION = 0.15  # of the picture; a blurred frame is kept rather than to jump farther than this
MAX_PENDING = 4  # frames that hang together with nothing, held until one is seen that tells what they are

GateMode = Literal["auto", "off"]


class Gate(Protocol):
    """Takes frames one by one, in order, and gives back those that windows are cut from, some frames later."""

    def feed(self, frame: Frame) -> list[Frame]:
        """The frames that are settled now that this one has been seen."""
        ...

    def finish(self) -> list[Frame]:
        """The rest, once no frame comes any more."""
        ...

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on after the last frame that was given out; in JSON's types."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, be it this gate's or that of a frame (`Frame.gate_state`): frames before that one are
        passed over, itself is given out again, and everything is as it was."""
        ...


class PassThroughGate:
    """Every frame is for windows; they are only numbered."""

    def __init__(self) -> None:
        self._next = 0
        self._last_index = -1

    def feed(self, frame: Frame) -> list[Frame]:
        """See `Gate`."""
        if frame.index < self._last_index:
            return []
        frame = replace(frame, ordinal=self._next, gate_state={"index": frame.index, "ordinal": self._next})
        self._next, self._last_index = self._next + 1, frame.index
        return [frame]

    def finish(self) -> list[Frame]:
        """See `Gate`."""
        return []

    def state(self) -> dict[str, Any]:
        """See `Gate`."""
        return {"index": self._last_index, "ordinal": self._next - 1}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Gate`."""
        self._last_index, self._next = state["index"], max(state["ordinal"], 0)


class MotionGate:
    """Keeps a frame when near things moved by `parallax`, a share of the picture's longer side, since the last one.

    It holds the last kept frame until the next one is known, and at most a handful of others.
    """

    def __init__(self, parallax: float) -> None:
        self._parallax = parallax
        self._kept: MeasuredFrame | None = None
        self._left_out: list[LeftOutFrame] = []  # since the kept frame, or before the first one
        self._pending: list[MeasuredFrame] = []
        self._blank_start: Frame | None = None
        self._blank_last: Frame | None = None
        self._baseline, self._next = QualityBaseline(), 0
        self._released_state: dict[str, Any] = {}
        self._resume_state: Mapping[str, Any] = {}

    def feed(self, frame: Frame) -> list[Frame]:
        """See `Gate`."""
        if frame.index < self._resume_state.get("index", frame.index):
            return []
        seen = MeasuredFrame(frame, measure_quality(frame.image))
        if self._resume_state:
            return self._resume(seen)
        return self._decide(seen)

    def finish(self) -> list[Frame]:
        """See `Gate`."""
        out: list[Frame] = []
        if self._kept is None and self._blank_start is not None:
            out += self._keep_blanks(self._blank_start)
        for seen in self._pending:
            out += self._keep(seen)
        out += self._release(None)
        self._kept, self._left_out, self._pending = None, [], []
        return out

    def _keep_blanks(self, start: Frame) -> list[Frame]:
        """The first and the last of nothing but blank frames: whoever looks at them says that they show nothing."""
        between, last, self._left_out = self._left_out[1:-1], self._blank_last, []
        out = self._keep(MeasuredFrame(start, measure_quality(start.image)))
        if last is not None and last is not start:
            self._left_out = between
            out += self._keep(MeasuredFrame(last, measure_quality(last.image)))
        return out

    def state(self) -> dict[str, Any]:
        """See `Gate`."""
        return self._released_state

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Gate`."""
        self._resume_state = state

    def _resume(self, seen: MeasuredFrame) -> list[Frame]:
        """The frame that a state belongs to comes by again."""
        state, self._resume_state = self._resume_state, {}
        self._next = state["ordinal"]
        self._baseline = QualityBaseline(
            deque(state["sharpness"], BASELINE_FRAMES), deque(state["clipped"], BASELINE_FRAMES)
        )
        return self._accept(seen, begins_shot=state["begins_shot"])

    def _decide(self, seen: MeasuredFrame) -> list[Frame]:
        if seen.quality.is_blank:
            return self._leave_out(seen, "blank")
        if self._kept is None:
            return self._keep(seen)
        if self._baseline.is_clipped(seen.quality) and self._may_reject_degraded():
            return self._leave_out(seen, "overexposed or black")
        motion = measure_motion(self._kept.quality, seen.quality)
        if not motion.is_known:
            return self._keep(seen)
        if motion.is_certain or (motion.is_tracked and not self._pending):
            return self._decide_tracked(seen, motion.motion)
        return self._decide_untracked(seen)

    def _decide_tracked(self, seen: MeasuredFrame, motion: float) -> list[Frame]:
        self._leave_out_glitches(self._pending)
        self._pending = []
        if motion < self._parallax:
            return self._leave_out(seen, "still", motion)
        if self._baseline.is_blurred(seen.quality) and motion < MAX_BLURRED_MOTION and self._may_reject_degraded():
            return self._leave_out(seen, "blurred")  # its flow is not to be trusted
        return self._keep(seen, motion)

    def _decide_untracked(self, seen: MeasuredFrame) -> list[Frame]:
        """A frame that tracking cannot tie to the kept one: a cut, a glitch, or a leap; the next ones tell."""
        if self._pending and measure_motion(self._pending[-1].quality, seen.quality).is_tracked:
            return self._settle(seen)
        self._pending.append(seen)
        if len(self._pending) <= MAX_PENDING:
            return []
        return self._keep_and_decide(self._pending[0], self._pending[1:])  # too far for tracking: let the predictor see

    def _settle(self, seen: MeasuredFrame) -> list[Frame]:
        """The last loose frame and this one are of one view, so the loose ones were a leap, or a cut lies there."""
        assert self._kept is not None
        pending, kept = self._pending, self._kept.frame.image
        for k, candidate in enumerate(pending):
            if not are_unrelated(kept, candidate.frame.image):
                self._leave_out_glitches(pending[:k])
                return self._keep_and_decide(candidate, [*pending[k + 1 :], seen])
        self._leave_out_glitches(pending[:-1])
        return self._keep_and_decide(pending[-1], [seen], begins_shot=True)

    def _keep_and_decide(
        self, first: MeasuredFrame, rest: Sequence[MeasuredFrame], begins_shot: bool = False
    ) -> list[Frame]:
        """Keep a frame; those after it are looked at anew, as if they came only now."""
        self._pending = []
        out = self._keep(first, begins_shot=begins_shot)
        for seen in rest:
            out += self._decide(seen)
        return out

    def _leave_out(self, seen: MeasuredFrame, reason: str, motion: float = math.nan) -> list[Frame]:
        if self._kept is None:
            self._blank_start = self._blank_start if self._left_out else seen.frame
            self._blank_last = seen.frame
        self._left_out.append(LeftOutFrame(seen.frame.index, seen.frame.timestamp, motion, reason))
        return []

    def _leave_out_glitches(self, glitches: Sequence[MeasuredFrame]) -> None:
        for seen in glitches:
            self._leave_out(seen, "glitch")
        if glitches:
            self._left_out.sort(key=lambda passed: passed.index)  # others may have passed while these were held

    def _may_reject_degraded(self) -> bool:
        """Whether not too many frames in a row were left out for how they look."""
        recent = self._left_out[-MAX_DEGRADED_RUN:]
        return len(recent) < MAX_DEGRADED_RUN or any(passed.reason == "still" for passed in recent)

    def _keep(self, seen: MeasuredFrame, motion: float = math.nan, begins_shot: bool = False) -> list[Frame]:
        if begins_shot or self._baseline.is_degraded(seen.quality):
            self._baseline.reset()  # this is what the video looks like now
        self._baseline.add(seen.quality)
        return self._accept(seen, motion, begins_shot)

    def _accept(self, seen: MeasuredFrame, motion: float = math.nan, begins_shot: bool = False) -> list[Frame]:
        """Keep a frame that is among the usual ones already."""
        out = self._release(None if begins_shot else NextKept(seen.frame.timestamp, motion))
        leading = interpolation_fractions(0.0, self._left_out, None) if self._kept is None else ()
        state = {
            "index": seen.frame.index,
            "ordinal": self._next,
            "begins_shot": begins_shot,
            "sharpness": list(self._baseline.sharpness),
            "clipped": list(self._baseline.clipped),
        }
        frame = replace(seen.frame, ordinal=self._next, begins_shot=begins_shot, left_out=leading, gate_state=state)
        self._kept, self._left_out, self._blank_start, self._blank_last = (
            MeasuredFrame(frame, seen.quality),
            [],
            None,
            None,
        )
        self._next += 1
        return out

    def _release(self, next_kept: NextKept | None) -> list[Frame]:
        """The kept frame, with those that passed since."""
        if self._kept is None:
            return []
        frame = self._kept.frame
        self._released_state = dict(frame.gate_state or {})
        left_out = interpolation_fractions(frame.timestamp, self._left_out, next_kept)
        return [replace(frame, left_out=(*frame.left_out, *left_out))]


def make_gate(mode: GateMode, settings: FramesSettings) -> Gate:
    """The gate that a mode asks for."""
    return MotionGate(settings.parallax) if mode == "auto" else PassThroughGate()


class GatedFrames:
    """The frames that a gate keeps, in order, each with all skipped frames since the kept one before it."""

    def __init__(self, frames: Iterable[Frame], gate: Gate) -> None:
        self._frames, self._gate = frames, gate
        self._skipped: list[SkippedFrame] = []  # that no kept frame carries yet

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            self._skipped += frame.skipped_before
            yield from map(self._with_skipped, self._gate.feed(frame))
        yield from map(self._with_skipped, self._gate.finish())

    @property
    def skipped_after(self) -> tuple[SkippedFrame, ...]:
        """Those that frames behind the last kept one brought, once all frames were taken."""
        return tuple(self._skipped)

    def _with_skipped(self, frame: Frame) -> Frame:
        count = sum(skipped.index < frame.index for skipped in self._skipped)  # a gate holds frames back
        before, self._skipped = self._skipped[:count], self._skipped[count:]
        return replace(frame, skipped_before=tuple(before))
