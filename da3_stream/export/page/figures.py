"""The report's figures as a table of HTML, closed until somebody opens it."""

from __future__ import annotations

from html import escape

from ...report.facts import run_facts
from ...report.lines import fact_rows
from ...report.words import trust_lines
from ...store import RunReader

STYLE = """
.figures { position: fixed; left: 8px; bottom: 8px; z-index: 3; max-width: min(420px, calc(100vw - 32px));
  max-height: 60vh; overflow: auto; padding: 4px 10px; border-radius: 6px; font: 13px/1.4 system-ui, sans-serif;
  color: #e8e8e8; background: rgba(20, 22, 26, 0.85); }
.figures summary { cursor: pointer; padding: 4px 0; }
.figures table { border-collapse: collapse; }
.figures th { text-align: left; font-weight: normal; color: #a8b0ba; padding-right: 12px; vertical-align: top; }
.figures td { overflow-wrap: anywhere; }
"""
# Names of `info` that are worth telling whoever gets the file; where files of the run or its input lie is not.
_TOLD = (
    "state", "frames", "placed", "segments", "units", "path_length", "model.name", "model.license", "started",
    "seconds", "versions.da3_stream",
)  # fmt: skip


def figures_html(reader: RunReader) -> str:
    """What came out, and what is to be said of its trust; texts of the run are escaped."""
    facts = run_facts(reader)
    known = dict(fact_rows(facts))
    told = [(name, known[name]) for name in _TOLD if name in known]
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in told)
    said = "".join(f"<p>{escape(line)}</p>" for line in trust_lines(facts, "the report of the run"))
    return f'<details class="figures"><summary>Figures</summary>{said}<table>{rows}</table></details>'
