"""What is laid out for a terminal, and stays plain text in a pipe."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PIPED_COLUMNS = 100  # where there is no terminal


def show(*what: RenderableType) -> None:
    """On standard output; lines of a pipe end where their text does."""
    console = terminal()
    with console.capture() as shown:
        for part in what:
            console.print(part)
    lines = shown.get().splitlines(keepends=True)
    sys.stdout.write("".join(lines if console.is_terminal else [f"{line.rstrip()}\n" for line in lines]))


def terminal() -> Console:
    """Colours and width of the terminal; none and `PIPED_COLUMNS` elsewhere, unless COLUMNS says more."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_COLUMNS
    return console


def has_unicode(console: Console) -> bool:
    """Whether signs beyond ASCII can be shown."""
    return console.encoding.lower().startswith("utf")
