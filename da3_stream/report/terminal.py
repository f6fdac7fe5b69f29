"""A run on one screen of a terminal: what came out, trust, advice, lines over time, loops, times, settings."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from ..types import Float64
from .said import Said, said, trust_word
from .sections.headline import METRES, STATES
from .sections.html import number
from .sections.profiles import heights, speeds
from .sections.settings import differing
from .sections.subject import Subject
from .sections.windows import alignments
from .sparkline import ASCII, BLOCKS, binned, sparkline
from .words import frame_rate, moment, percent

if TYPE_CHECKING:
    from rich.text import Text

NAMES = 8  # columns of the names on the left
LEAST_ADVICE, MOST_ADVICE = 3, 30  # lines
WORTH = 2  # lines that an advice may have
MOODS = {"good": "green", "in parts": "yellow", "low": "bold red", "nothing placed": "bold red", "depth alone": "green"}
LONGEST_VALUE = 24  # of a setting
CONFIDENCE = (0.0, 1.0)
SIMPLER = str.maketrans({"–": "-", "…": "...", "·": "-"})


@dataclass(frozen=True)
class Size:
    """What there is room for: columns, lines (None: as many as wanted), and whether signs beyond ASCII can be shown."""

    columns: int
    lines: int | None = None
    unicode: bool = True


@dataclass(frozen=True)
class Line:
    """A name on the left, what is told, and the style of that."""

    name: str
    text: str
    style: str = ""


def screen(subject: Subject, size: Size) -> list[Text]:
    """The lines, each at most `size.columns` wide; where there are more than `size.lines`, advice is shortened."""
    from rich.text import Text

    above = [*_state(subject, size), *_results(subject), *_profiles(subject, size)]
    below = [*_loops(subject), *_stages(subject, size), *_settings(subject, size), _more()]
    room = MOST_ADVICE if size.lines is None else size.lines - 1 - len(above) - len(below)
    lines = [*above, *_advice(subject, size, max(room, LEAST_ADVICE)), *below]
    title = Text(_fitted(_title(subject), size), "bold", no_wrap=True)
    return [title, *(_text(line, size) for line in lines)]


def _title(subject: Subject) -> str:
    facts = subject.facts
    model = facts.get("model")
    name = model.get("name") if isinstance(model, dict) else None
    parts = [subject.reader.path.resolve().name, facts.get("state"), name, facts.get("started")]
    return " · ".join(str(part) for part in parts if part)


def _state(subject: Subject, size: Size) -> Iterator[Line]:
    """What it means that the run is not finished."""
    lines = textwrap.wrap(STATES.get(subject.facts.get("state", ""), ""), size.columns - NAMES - 1)
    yield from (Line("state" if k == 0 else "", line, "yellow") for k, line in enumerate(lines))


def _results(subject: Subject) -> Iterator[Line]:
    facts, unit = subject.facts, subject.unit
    segments = f" in {facts['segments']} segment{'s' * (facts['segments'] != 1)}" if facts["placed"] else ""
    yield Line("frames", f"{facts['placed']} of {facts.get('frames', 0)} placed{segments}{_seconds(subject)}")
    metres = f"; for metres give {', '.join(METRES)}" if subject.moves and unit != "m" else ""
    yield Line("path", f"{number(facts['path_length'])} {unit}{metres}")
    yield Line("cloud", "no cloud.ply" if facts["points"] is None else f"{number(facts['points'])} points")
    word, share = trust_word(facts), (facts.get("trust") or {}).get("share")
    believed = "" if share is None else f": {percent(share)} of the poses are believed"
    yield Line("trust", f"{word}{believed}", MOODS.get(word, ""))
    truth = subject.evaluation or {}
    if truth.get("ate_percent") is not None and truth.get("scene_crc32") == subject.reader.run.scene_crc32():
        yield Line("truth", f"{number(truth['ate_rmse_m'])} m off (ATE), {number(truth['ate_percent'])} % of the path")


def _seconds(subject: Subject) -> str:
    """How long the input lasts."""
    if not len(subject.poses):
        return ""
    lasts = moment(float(subject.times[-1] - subject.times[0]))
    return f", {lasts} of video{' (assumed)' if frame_rate(subject.facts) is not None else ''}"


def _profiles(subject: Subject, size: Size) -> Iterator[Line]:
    """Lines over time, where there is something to see."""
    if not len(subject.poses):
        return
    for name, at, values, join, unit, ends in _curves(subject):
        known = values[np.isfinite(values)]
        if len(known) < 2 or (known.min() == known.max() and ends != CONFIDENCE):
            continue
        told = _range(known, unit)
        width = max(min(size.columns - NAMES - 1 - len(told) - 2, 100), 8)
        signs = BLOCKS if size.unicode else ASCII
        yield Line(name, f"{sparkline(binned(at, values, width, join), signs, *ends)}  {told}")


def _curves(subject: Subject) -> Iterator[tuple]:
    """Name, places [N], values [N], how those of a sign are joined, the unit, and what the lowest and the highest sign
    mean (None: the least and the greatest value)."""
    speed_at, speed = speeds(subject)
    yield "speed", speed_at, speed, np.mean, f"{subject.unit}/s", (0.0, None)
    height_at, height = heights(subject)
    yield "height", height_at, height, np.mean, subject.unit, (None, None)
    trust = np.where(subject.poses.segment >= 0, subject.poses.confidence, np.nan)
    yield "trust", subject.times, trust.astype(np.float64), np.min, "", CONFIDENCE
    joins = alignments(subject)
    windows = np.array(sorted(joins), np.float64)
    scale = np.array([joins[int(k)].get("scale", np.nan) for k in windows], np.float64)
    yield "scale", windows, scale, np.mean, "of the window before", (None, None)


def _range(known: Float64, unit: str) -> str:
    return f"{number(float(known.min()))} to {number(float(known.max()))} {unit}".rstrip()


def _advice(subject: Subject, size: Size, room: int) -> Iterator[Line]:
    """One paragraph for each code, those that distrust the map first; the last line tells what has no room."""
    paragraphs = [_paragraph(rows, size) for rows in _by_code(said(subject.facts))]
    if not paragraphs and trust_word(subject.facts) == "good":
        paragraphs = [[Line("advice", "none: nothing speaks against this map")]]
    used = 0
    for k, paragraph in enumerate(paragraphs):
        left = len(paragraphs) - k
        if used + len(paragraph) > room - (left > 1):
            yield from paragraph[: max(room - used - 1, 0)]
            yield Line("", "and more: see report.html")
            return
        yield from paragraph
        used += len(paragraph)


def _by_code(rows: Iterable[Said]) -> list[list[Said]]:
    """Those of one code together: what distrusts the map first, what is about the input last."""
    groups = [list(group) for _, group in groupby(sorted(rows, key=attrgetter("code")), attrgetter("code"))]
    return sorted(groups, key=lambda group: (not group[0].distrusts_map, group[0].of_input))


def _paragraph(rows: list[Said], size: Size) -> list[Line]:
    """When, what, and the options that help, in at most `WORTH` lines."""
    first, more = rows[0], len(rows) - 1
    when = f"{first.when}{f' and {more} more' if more else ''}"
    options = [option for option in first.remedy.options if option.partition(" ")[0] not in first.text]
    cure = f" [{', '.join(options)}]" if options else ""
    width = size.columns - NAMES - 1
    wrapped = textwrap.wrap(f"{when} {first.text}", width * WORTH - len(cure) - 4)[0:1] or [""]
    cut = "…" if len(wrapped[0]) < len(f"{when} {first.text}") else ""
    lines = textwrap.wrap(f"{wrapped[0]}{cut}{cure}", width)
    style = "yellow" if first.distrusts_map else ""
    name = "distrust" if first.distrusts_map else "input" if first.of_input else "advice"
    text = [line.removeprefix("input: ") for line in lines]
    return [Line(name if k == 0 else "", line, style) for k, line in enumerate(text)]


def _loops(subject: Subject) -> Iterator[Line]:
    taken, refused = (subject.facts["loops"][kind] for kind in ("taken", "refused"))
    if taken or refused:
        yield Line("loops", f"{taken} taken, {refused} refused")


def _stages(subject: Subject, size: Size) -> Iterator[Line]:
    """Where the time went: as many stages as a line holds."""
    facts = subject.facts
    stages, seconds = facts.get("seconds_by_stage", {}), facts.get("seconds")
    total = sum(stages.values())
    if not total or not seconds:
        return
    memory = facts.get("peak_rss_bytes")
    told = f"{moment(seconds)}, {number(len(subject.poses) / seconds)} frames a second"
    told += f", {memory / 1e9:.1f} GB of memory" if memory else ""
    yield Line("time", told)
    longest = sorted(stages.items(), key=lambda item: -item[1])
    shares = [f"{name.replace('_', ' ')} {seconds / total:.0%}" for name, seconds in longest if seconds > 0]
    yield Line("stages", _whole(shares, size.columns - NAMES - 1))


def _whole(parts: list[str], columns: int) -> str:
    """As many of the parts as there is room for, none of them cut."""
    count = len(parts)
    while count > 1 and len(", ".join(parts[:count])) > columns:
        count -= 1
    return ", ".join(parts[:count])


def _settings(subject: Subject, size: Size) -> Iterator[Line]:
    """Those that differ from the defaults, on two lines at most."""
    differ = [f"{name}={_value(value)}" for name, value, _ in differing(subject.facts)]
    lines = textwrap.wrap(", ".join(differ) or "all are the defaults", size.columns - NAMES - 1, break_on_hyphens=False)
    if len(lines) > WORTH:
        lines = [lines[0], f"{lines[1]} …"]
    yield from (Line("settings" if k == 0 else "", line) for k, line in enumerate(lines))


def _value(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _more() -> Line:
    return Line("more", "report.html in the run directory; info --all, info --json", "dim")


def _text(line: Line, size: Size) -> Text:
    from rich.text import Text

    text = Text(no_wrap=True).append(f"{line.name:<{NAMES}} ", "cyan")
    return text.append(_fitted(line.text, size, size.columns - NAMES - 1), line.style)


def _fitted(text: str, size: Size, columns: int | None = None) -> str:
    """On one line of the terminal, in signs that it has."""
    columns = size.columns if columns is None else columns
    if not size.unicode:
        text = text.translate(SIMPLER).encode("ascii", "replace").decode()
    mark = "…" if size.unicode else "..."
    return text if len(text) <= columns else f"{text[: max(columns - len(mark), 0)]}{mark}"[: max(columns, 0)]
