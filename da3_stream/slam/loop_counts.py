"""How often was looked already: what further looks at places would only repeat, or cost more than they are worth."""

from __future__ import annotations

from collections import Counter
from typing import Any

MAX_LOOPS_PER_PAIR = 2  # certain ones: more between two submaps tell the same, and each takes a prediction


class LoopCounts:
    """Counts loops between two submaps, and looks in every window.

    A place that was seen often resembles many earlier visits. The first that it is compared with ties it to the map;
    for further ones a window takes no more looks than windows did on average, so that a lap costs what the second did.
    """

    def __init__(self) -> None:
        self._loops: Counter[tuple[int, int]] = Counter()  # certain ones, by two submaps
        self._looks, self._windows = 0, 0  # in windows before this one that took any
        self._in_window = 0

    def begin_window(self, first_submap: int) -> None:
        """Begin to count for a window whose submaps begin with this one."""
        self._windows += self._in_window > 0
        self._looks, self._in_window = self._looks + self._in_window, 0
        recent = {pair: n for pair, n in self._loops.items() if pair[1] >= first_submap - 1}
        self._loops = Counter(recent)

    def are_tied(self, pair: tuple[int, int]) -> bool:
        """Whether two submaps are tied to each other by enough loops."""
        return self._loops[pair] >= MAX_LOOPS_PER_PAIR

    def are_many_looks(self, rank: int) -> bool:
        """Whether a candidate would be one look too many, before which its place was compared with `rank` others."""
        return rank > 0 and self._windows > 0 and self._in_window * self._windows >= self._looks

    def add_look(self, pair: tuple[int, int], found_loop: bool) -> None:
        """Count a look at two submaps, and whether it found a certain loop."""
        self._in_window += 1
        self._loops[pair] += found_loop

    def state(self) -> dict[str, Any]:
        """Numbers for `restore`."""
        loops = [(*pair, count) for pair, count in self._loops.items()]
        return {"loops_of_pair": loops, "looks": (self._looks, self._windows, self._in_window)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._loops = Counter({(a, b): count for a, b, count in state["loops_of_pair"]})
        self._looks, self._windows, self._in_window = state["looks"]
