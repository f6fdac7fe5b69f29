"""A city cut into halves again and again, along lines that few edges cross: nested dissection by position.

The submaps beside a cut are its separator: whatever ties the halves ties them through it. George, "Nested dissection of
a regular finite element mesh" (1973).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

CUTS = np.linspace(0.45, 0.55, 11)  # where a half may end, as a share of the submaps


@dataclass(eq=False)
class Part:
    """A part of the city: its own submaps (a separator, or all that a smallest part holds) and the parts it separates.

    `border` [B] are the submaps outside, of separators further up, that edges tie to the part or to those below it.
    """

    own: Indices
    below: list[Part] = field(default_factory=list)
    border: Indices = field(default_factory=lambda: np.zeros(0, np.int64))

    def descend(self) -> list[Part]:
        """The parts below it and itself, children first."""
        found, waiting = list[Part](), [self]
        while waiting:
            part = waiting.pop()
            found.append(part)
            waiting += part.below
        return found[::-1]

    def submaps(self) -> Indices:
        """All submaps of this part and of those below it."""
        return np.concatenate([part.own for part in self.descend()])

    def at_depth(self, depth: int) -> list[Part]:
        """The parts so many cuts below; those that are not cut so often stand for themselves."""
        if depth == 0 or not self.below:
            return [self]
        return [part for child in self.below for part in child.at_depth(depth - 1)]


def dissect(positions: Array, ends: Indices, smallest: int) -> Part:
    """Cut submaps at positions [N,2], tied by edges [E,2], until no part has more than `smallest` of them."""
    root = _cut(np.arange(len(positions)), ends, positions, smallest)
    _set_borders(root, ends, len(positions))
    return root


def _cut(nodes: Indices, ends: Indices, positions: Array, smallest: int) -> Part:
    """The part of these nodes (sorted), tied by these edges."""
    if len(nodes) <= smallest:
        return Part(nodes)
    rows = np.searchsorted(nodes, ends)
    far = _far_half(positions[nodes], rows)
    across = rows[far[rows[:, 0]] != far[rows[:, 1]]]
    by_side = [np.unique(across[far[across] == half]) for half in (False, True)]
    separator = np.zeros(len(nodes), bool)
    separator[min(by_side, key=len)] = True
    halves = [~far & ~separator, far & ~separator]
    if not all(half.any() for half in halves):
        return Part(nodes)
    inside = (ends[half[rows].all(axis=1)] for half in halves)
    parts = [_cut(nodes[half], edges, positions, smallest) for half, edges in zip(halves, inside, strict=True)]
    return Part(nodes[separator], parts)


def _far_half(positions: Array, ends: Indices) -> NDArray[np.bool_]:
    """Mask [n] of the half beyond a line across the longer side of the nodes [n,2]: that which fewest edges cross."""
    along = positions[:, int(np.argmax(np.ptp(positions, axis=0)))]
    lines = np.unique(np.quantile(along, CUTS))
    first, last = np.sort(along[ends], axis=1).T
    crossing = np.searchsorted(np.sort(first), lines) - np.searchsorted(np.sort(last), lines)
    return along >= lines[int(np.argmin(crossing))]


def _set_borders(root: Part, ends: Indices, count: int) -> None:
    """Find the border of every part: neighbours of its nodes and of those below it, less these."""
    both = np.concatenate([ends, ends[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    starts = np.searchsorted(both[:, 0], np.arange(count + 1))
    done = np.zeros(count, bool)
    for part in root.descend():
        done[part.own] = True
        own = [both[starts[k] : starts[k + 1], 1] for k in part.own]
        reached = np.unique(np.concatenate([*own, *(child.border for child in part.below)]))
        part.border = reached[~done[reached]]
