"""report.html: what a run did and how it went, in one file for people, that needs nothing beside it."""

from __future__ import annotations

from html import escape
from importlib import resources as files
from pathlib import Path

from ..store import Run, RunReader
from ..store.files import write_text
from .sections import advice, headline, loops, maps, pictures, profiles, resources, settings, timeline, truth, windows
from .sections.subject import Subject

_FIRST = (pictures.overview, advice.advice)  # beside each other, where there is room
_SECTIONS = (
    timeline.timeline,
    maps.maps,
    truth.truth,
    profiles.profiles,
    windows.windows,
    loops.loops,
    pictures.static_mask,
    resources.resources,
    settings.settings,
    settings.versions,
)
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # nothing is fetched, nothing runs


def write_report(run: Run) -> None:
    """Write report.html of a run as it is now, finished or not. Raises StoreError if the run is damaged."""
    write_text(run.path / "report.html", report_page(run.path))


def report_page(run_dir: Path) -> str:
    """The whole page. Raises StoreError if the directory is not a run or is damaged."""
    subject = Subject.of(RunReader.open(run_dir))
    title = escape(run_dir.resolve().name)
    state = escape(str(subject.facts.get("state", "")))
    style = (files.files(__package__) / "style.css").read_text()
    first, others = ("\n".join(filter(None, (part(subject) for part in parts))) for parts in (_FIRST, _SECTIONS))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{title} – da3_stream</title>
<style>
{style}</style>
</head>
<body>
<header><h1>{title}</h1><p class="badge {state}">{state}</p></header>
<main>
{headline.headline(subject)}
<div class="first">
{first}
</div>
{others}
</main>
</body>
</html>
"""
