"""The frame gate: which frames windows are cut from, and where a hard cut begins a new shot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol

from ...settings import FramesSettings
from ...types import Frame, SkippedFrame
from .motion_gate import MotionGate

GateMode = Literal["auto", "off"]


class Gate(Protocol):
    """Takes frames one by one, in order, and returns those that it keeps, some of them a few frames later."""

    def feed(self, frame: Frame) -> list[Frame]:
        """Take the next frame; return the kept frames that are decided by now, which may be none or several."""
        ...

    def finish(self) -> list[Frame]:
        """Return the remaining kept frames once the input has ended."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on after the last frame that was returned; in JSON's types."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, either a gate's or a frame's (`Frame.gate_state`).

        Frames before the state's frame are ignored if they are fed again, that frame is returned once more, and from
        there on the gate decides as if it had never been interrupted.
        """
        ...


class PassThroughGate:
    """A gate that keeps every frame and only numbers them."""

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


def make_gate(mode: GateMode, settings: FramesSettings) -> Gate:
    """Return the gate for a mode: "auto" measures motion, "off" keeps every frame."""
    return MotionGate(settings.parallax) if mode == "auto" else PassThroughGate()


class GatedFrames:
    """The frames that a gate keeps, in order, each with all frames skipped since the kept frame before it.

    Skipped frames are those that could not be decoded; they come with the frames that are fed to the gate.
    """

    def __init__(self, frames: Iterable[Frame], gate: Gate) -> None:
        self._frames, self._gate = frames, gate
        self._skipped: list[SkippedFrame] = []  # not yet attached to a kept frame

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            self._skipped += frame.skipped_before
            yield from map(self._with_skipped, self._gate.feed(frame))
        yield from map(self._with_skipped, self._gate.finish())

    @property
    def skipped_after(self) -> tuple[SkippedFrame, ...]:
        """The frames skipped behind the last kept one; complete once the iteration has ended."""
        return tuple(self._skipped)

    def _with_skipped(self, frame: Frame) -> Frame:
        count = sum(
            skipped.index < frame.index for skipped in self._skipped
        )  # the gate may return a frame after it has been fed later ones
        before, self._skipped = self._skipped[:count], self._skipped[count:]
        return replace(frame, skipped_before=tuple(before))
