"""An examination for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .examination import Examination
from .finding import Finding, State

if TYPE_CHECKING:
    from rich.console import RenderableType

COLOURS = {State.OK: "green", State.NOTE: "cyan", State.WARNING: "yellow", State.BROKEN: "bold red"}
NAMES = 12  # columns for names: alike in all groups, but for long ones


def screen(examination: Examination) -> Iterator[RenderableType]:
    """What to show, from above: a table for each group, and the verdict. Packages that are as they should be share a
    line."""
    from rich.padding import Padding
    from rich.text import Text

    for group, findings in examination.groups.items():
        yield Text(group, style="bold")
        yield Padding(_table(findings), (0, 0, 0, 1))
    yield Text(_verdict(examination), style="green" if examination.is_sound else "bold red")


def _table(findings: tuple[Finding, ...]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, width=max(map(len, State)))
    table.add_column(no_wrap=True, min_width=NAMES)
    table.add_column(overflow="fold")
    fine = [finding for finding in findings if finding.facts.get("needed") and finding.state == State.OK]
    if fine:
        known = ", ".join(f"{finding.name} {finding.text}" for finding in fine)
        table.add_row(Text(State.OK, COLOURS[State.OK]), "needed", known)
    for finding in findings:
        if finding not in fine:
            table.add_row(Text(finding.state, COLOURS[finding.state]), finding.name, _told(finding))
    return table


def _told(finding: Finding) -> RenderableType:
    from rich.text import Text

    if finding.advice is None:
        return Text(finding.text)
    text = Text(f"{finding.text}: {finding.advice}")
    return text if finding.command is None else text.append(f"\n{finding.command}", style="bold")


def _verdict(examination: Examination) -> str:
    broken = [finding.name for finding in examination if finding.state == State.BROKEN]
    warned = [finding.name for finding in examination if finding.state == State.WARNING]
    took = f" (looked at in {examination.seconds:.1f} s)"
    if broken:
        return f"Runs are not possible until this is mended: {', '.join(broken)}{took}"
    return f"Runs are possible{'; see ' * bool(warned)}{', '.join(warned)}{took}"
