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
from .image_quality import look_at
from .left_out import Goal, Passed, on_the_way
from .optical_flow import shift, unrelated
from .quality_baseline import USUAL, Seen, Usual

MOST_HARMED = 10  # in a row; more of them are no accident but what the video looks like now
FAR = 0.15  # of the picture; a blurred frame is kept rather than to jump farther than this
MOST_LOOSE = 4  # frames that hang together with nothing, held until one is seen that tells what they are

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


class OpenGate:
    """Every frame is for windows; they are only numbered."""

    def __init__(self) -> None:
        self._next = 0
        self._from = -1

    def feed(self, frame: Frame) -> list[Frame]:
        """See `Gate`."""
        if frame.index < self._from:
            return []
        frame = replace(frame, ordinal=self._next, gate_state={"index": frame.index, "ordinal": self._next})
        self._next, self._from = self._next + 1, frame.index
        return [frame]

    def finish(self) -> list[Frame]:
        """See `Gate`."""
        return []

    def state(self) -> dict[str, Any]:
        """See `Gate`."""
        return {"index": self._from, "ordinal": self._next - 1}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Gate`."""
        self._from, self._next = state["index"], max(state["ordinal"], 0)


class MotionGate:
    """Keeps a frame when near things moved by `parallax`, a share of the picture's longer side, since the last one.

    It holds the last kept frame until the next one is known, and at most a handful of others.
    """

    def __init__(self, parallax: float) -> None:
        self._parallax = parallax
        self._kept: Seen | None = None
        self._passed: list[Passed] = []  # since the kept frame, or before the first one
        self._loose: list[Seen] = []
        self._blank_start: Frame | None = None
        self._blank_last: Frame | None = None
        self._usual, self._next = Usual(), 0
        self._given: dict[str, Any] = {}
        self._resumed: Mapping[str, Any] = {}

    def feed(self, frame: Frame) -> list[Frame]:
        """See `Gate`."""
        if frame.index < self._resumed.get("index", frame.index):
            return []
        seen = Seen(frame, look_at(frame.image))
        if self._resumed:
            return self._go_on(seen)
        return self._see(seen)

    def finish(self) -> list[Frame]:
        """See `Gate`."""
        out: list[Frame] = []
        if self._kept is None and self._blank_start is not None:
            out += self._keep_blanks(self._blank_start)
        for seen in self._loose:
            out += self._keep(seen)
        out += self._give(None)
        self._kept, self._passed, self._loose = None, [], []
        return out

    def _keep_blanks(self, start: Frame) -> list[Frame]:
        """The first and the last of nothing but blank frames: whoever looks at them says that they show nothing."""
        between, last, self._passed = self._passed[1:-1], self._blank_last, []
        out = self._keep(Seen(start, look_at(start.image)))
        if last is not None and last is not start:
            self._passed = between
            out += self._keep(Seen(last, look_at(last.image)))
        return out

    def state(self) -> dict[str, Any]:
        """See `Gate`."""
        return self._given

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Gate`."""
        self._resumed = state

    def _go_on(self, seen: Seen) -> list[Frame]:
        """The frame that a state belongs to comes by again."""
        state, self._resumed = self._resumed, {}
        self._next = state["ordinal"]
        self._usual = Usual(deque(state["sharpness"], USUAL), deque(state["clipped"], USUAL))
        return self._take(seen, begins_shot=state["begins_shot"])

    def _see(self, seen: Seen) -> list[Frame]:
        if seen.look.is_blank:
            return self._pass(seen, "blank")
        if self._kept is None:
            return self._keep(seen)
        if self._usual.is_clipped(seen.look) and self._may_harm():
            return self._pass(seen, "overexposed or black")
        found = shift(self._kept.look, seen.look)
        if not found.is_known:
            return self._keep(seen)
        if found.is_sure or (found.is_tied and not self._loose):
            return self._see_tied(seen, found.motion)
        return self._see_loose(seen)

    def _see_tied(self, seen: Seen, motion: float) -> list[Frame]:
        self._pass_glitches(self._loose)
        self._loose = []
        if motion < self._parallax:
            return self._pass(seen, "still", motion)
        if self._usual.is_blurred(seen.look) and motion < FAR and self._may_harm():
            return self._pass(seen, "blurred")  # its flow is not to be trusted
        return self._keep(seen, motion)

    def _see_loose(self, seen: Seen) -> list[Frame]:
        """A frame that tracking cannot tie to the kept one: a cut, a glitch, or a leap; the next ones tell."""
        if self._loose and shift(self._loose[-1].look, seen.look).is_tied:
            return self._settle(seen)
        self._loose.append(seen)
        if len(self._loose) <= MOST_LOOSE:
            return []
        return self._keep_and_see(self._loose[0], self._loose[1:])  # too far for tracking: let the predictor see

    def _settle(self, seen: Seen) -> list[Frame]:
        """The last loose frame and this one are of one view, so the loose ones were a leap, or a cut lies there."""
        assert self._kept is not None
        loose, kept = self._loose, self._kept.frame.image
        for k, entry in enumerate(loose):
            if not unrelated(kept, entry.frame.image):
                self._pass_glitches(loose[:k])
                return self._keep_and_see(entry, [*loose[k + 1 :], seen])
        self._pass_glitches(loose[:-1])
        return self._keep_and_see(loose[-1], [seen], begins_shot=True)

    def _keep_and_see(self, first: Seen, rest: Sequence[Seen], begins_shot: bool = False) -> list[Frame]:
        """Keep a frame; those after it are looked at anew, as if they came only now."""
        self._loose = []
        out = self._keep(first, begins_shot=begins_shot)
        for seen in rest:
            out += self._see(seen)
        return out

    def _pass(self, seen: Seen, reason: str, motion: float = math.nan) -> list[Frame]:
        if self._kept is None:
            self._blank_start = self._blank_start if self._passed else seen.frame
            self._blank_last = seen.frame
        self._passed.append(Passed(seen.frame.index, seen.frame.timestamp, motion, reason))
        return []

    def _pass_glitches(self, glitches: Sequence[Seen]) -> None:
        for seen in glitches:
            self._pass(seen, "glitch")
        if glitches:
            self._passed.sort(key=lambda passed: passed.index)  # others may have passed while these were held

    def _may_harm(self) -> bool:
        """Whether not too many frames in a row were left out for how they look."""
        recent = self._passed[-MOST_HARMED:]
        return len(recent) < MOST_HARMED or any(passed.reason == "still" for passed in recent)

    def _keep(self, seen: Seen, motion: float = math.nan, begins_shot: bool = False) -> list[Frame]:
        if begins_shot or self._usual.is_harmed(seen.look):
            self._usual.forget()  # this is what the video looks like now
        self._usual.add(seen.look)
        return self._take(seen, motion, begins_shot)

    def _take(self, seen: Seen, motion: float = math.nan, begins_shot: bool = False) -> list[Frame]:
        """Keep a frame that is among the usual ones already."""
        out = self._give(None if begins_shot else Goal(seen.frame.timestamp, motion))
        leading = on_the_way(0.0, self._passed, None) if self._kept is None else ()
        state = {
            "index": seen.frame.index,
            "ordinal": self._next,
            "begins_shot": begins_shot,
            "sharpness": list(self._usual.sharpness),
            "clipped": list(self._usual.clipped),
        }
        frame = replace(seen.frame, ordinal=self._next, begins_shot=begins_shot, left_out=leading, gate_state=state)
        self._kept, self._passed, self._blank_start, self._blank_last = Seen(frame, seen.look), [], None, None
        self._next += 1
        return out

    def _give(self, goal: Goal | None) -> list[Frame]:
        """The kept frame, with those that passed since."""
        if self._kept is None:
            return []
        frame = self._kept.frame
        self._given = dict(frame.gate_state or {})
        passed = on_the_way(frame.timestamp, self._passed, goal)
        return [replace(frame, left_out=(*frame.left_out, *passed))]


def make_gate(mode: GateMode, settings: FramesSettings) -> Gate:
    """The gate that a mode asks for."""
    return MotionGate(settings.parallax) if mode == "auto" else OpenGate()


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
