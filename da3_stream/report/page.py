"""report.html: what a run did and how it went, in one file for people."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from ..store import Run, RunReader
from ..store.files import write_text
from .confidence_strip import confidence_strip
from .facts import run_facts
from .lines import fact_rows
from .words import trust_lines

_IMAGES = {"overview.png": "cloud and camera path seen from above", "static_mask.png": "what goes with the camera"}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ margin: 2rem auto; max-width: 72rem; padding: 0 1rem; background: #14161a; color: #e8e8e8;
       font: 15px/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.4rem; font-weight: 600; }}
img {{ max-width: 100%; max-height: 90vh; border: 1px solid #3a3e46; }}
svg.strip {{ width: 100%; margin: .5rem 0; background: #1b1e24; }}
svg.strip text {{ fill: #9aa0aa; font-size: 12px; }}
ul {{ list-style: none; padding: 0; }}
table {{ border-collapse: collapse; margin-top: 1.5rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid #2a2d33; }}
th {{ color: #9aa0aa; font-weight: 400; white-space: nowrap; }}
</style>
</head>
<body>
<h1>{title}</h1>
<ul>
{trust}
</ul>
{strip}
{images}
<table>
{rows}
</table>
</body>
</html>
"""


def write_report(run: Run) -> None:
    """Write report.html: trust, confidence over time, overview.png, and the facts of `info`, in one file."""
    reader = RunReader.open(run.path)
    facts = run_facts(reader)
    rows = [f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in fact_rows(facts)]
    page = _PAGE.format(
        title=html.escape(f"da3_stream: {run.path.resolve().name}"),
        trust="\n".join(f"<li>{html.escape(line)}</li>" for line in trust_lines(facts, "run.json")),
        strip=confidence_strip(reader.poses, reader.status.get("first_time_s", 0.0)),
        images="\n".join(_embedded_image(run.path / name, text) for name, text in _IMAGES.items()),
        rows="\n".join(rows),
    )
    write_text(run.path / "report.html", page)


def _embedded_image(path: Path, text: str) -> str:
    """An <img> that holds the file itself, so that the report is one file; empty where there is no file."""
    if not path.exists():
        return ""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<img alt="{text}" src="data:image/png;base64,{data}">'
