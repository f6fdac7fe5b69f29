"""What a command has computed, told at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .console import say

if TYPE_CHECKING:
    from ..progress import Listener

RESULT = ("state", "frames", "placed", "segments", "points", "path_length", "units", "seconds", "trust")
EMPTY = 3  # exit status where nothing came out


def tell_result(directory: Path, quiet: bool, tell: Listener, *, one_is_enough: bool = False) -> str | None:
    """Tell what is in a run directory; returns why that is nothing, if so. A film's one or two frames may have no pose,
    for pictures `one_is_enough` to expect something of."""
    from ..report import info
    from ..report.lines import result_lines, why_nothing_was_placed

    facts = info(directory)
    say("\n".join(result_lines(facts)), quiet)
    tell("result", {"run": str(directory), **{key: facts.get(key) for key in RESULT}})
    return why_nothing_was_placed(facts, one_is_enough=one_is_enough)
