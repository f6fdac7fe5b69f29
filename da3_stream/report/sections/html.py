"""Pieces of HTML. A figure carries its name and exact value, so that the page can be read by programs, too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

__all__ = ["escape", "figure", "folded", "number", "section", "table"]


def figure(name: str, value: Any, text: str | None = None) -> str:
    """A value of the run's files under the name that it has there, shown as `text`."""
    shown = number(value) if text is None else text
    return f'<data data-fact="{escape(name)}" value="{escape(json.dumps(value))}">{escape(shown)}</data>'


def number(value: Any) -> str:
    """With three digits that count, and commas between thousands."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def section(name: str, title: str, *body: str) -> str:
    """A section with an anchor; nothing where its body is empty."""
    inner = "\n".join(part for part in body if part)
    return f'<section id="{name}">\n<h2>{escape(title)}</h2>\n{inner}\n</section>' if inner else ""


def folded(summary: str, body: str) -> str:
    """What is shown when it is asked for; nothing where there is nothing."""
    return f"<details><summary>{escape(summary)}</summary>\n{body}\n</details>" if body else ""


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Rows of cells that are HTML already, the first of each is its name; wide ones scroll on a phone."""
    top = f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>\n" if head else ""
    lines = "\n".join(f"<tr><th>{row[0]}</th>{''.join(f'<td>{cell}</td>' for cell in row[1:])}</tr>" for row in rows)
    return f'<div class="scroll"><table>\n{top}{lines}\n</table></div>' if lines else ""
