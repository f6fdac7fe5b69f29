"""What came out, in a few figures, and what state the run is in."""

from __future__ import annotations

from collections.abc import Iterator

from ..lines import FEW
from ..said import trust_word
from ..words import frame_rate, moment, percent
from .html import escape, figure, number
from .subject import Subject

STATES = {
    "interrupted": "The run was interrupted: this is what was placed until then. The same command goes on.",
    "failed": "The run broke off: the end of log.txt tells why. This is what was placed until then.",
    "running": "The run is still going: this is what was placed until now.",
}
_MOOD = {"good": "good", "in parts": "doubt", "low": "bad", "nothing placed": "bad", "depth alone": "good"}
METRES = ("--camera-height", "--path-length-m", "--scale")  # what gives a map its unit
_METRES = f"for metres give {', '.join(f'<code>{option}</code>' for option in METRES)}"


def headline(subject: Subject) -> str:
    """The state where it is not finished, and the tiles."""
    said = STATES.get(subject.facts.get("state", ""), "")
    notes = [said, *_notes(subject)]
    paragraphs = "".join(f'<p class="state">{escape(note)}</p>' for note in notes if note)
    tiles = "".join(
        f'<div class="tile {mood}"><dt>{escape(name)}</dt><dd>{value}<small>{below}</small></dd></div>'
        for name, value, below, mood in _tiles(subject)
    )
    return f'{paragraphs}\n<dl class="tiles">{tiles}</dl>'


def _notes(subject: Subject) -> Iterator[str]:
    facts = subject.facts
    if facts.get("frames") == 0:
        yield "No window was finished, so there is nothing to show yet."
    elif facts.get("frames", FEW) < FEW and facts.get("state") != "running":
        yield f"Fewer than {FEW} frames tell neither depth nor a path."
    elif facts["placed"] == 0 and facts.get("state") != "running":
        yield "No frame could be placed: the advice below tells why."
    elif not facts["points"]:
        yield "There is no cloud: a camera that stands or only turns sees no depth."
    if facts["segments"] > 1:
        yield (
            f"The map is in {facts['segments']} pieces (segments) that nothing ties together: each has a place and a "
            "scale of its own. More overlap, or coming back to a place seen before, ties them."
        )


def _tiles(subject: Subject) -> Iterator[tuple[str, str, str, str]]:
    """Name, value, what stands below it (HTML), and the mood of each."""
    facts = subject.facts
    metres = subject.reader.units == "metres"
    share = (facts.get("trust") or {}).get("share")
    believed = "" if share is None else f"{percent(share)} of the poses are believed"
    word = trust_word(facts)
    yield "Trust", figure("trust.share", share, word), believed, _MOOD.get(word, "")
    yield "Path", f"{figure('path_length', facts['path_length'])} {subject.unit}", "", ""
    yield "Frames placed", f"{figure('placed', facts['placed'])} of {figure('frames', facts.get('frames'))}", "", ""
    if len(subject.poses):
        yield "Video", _duration(subject), _pace(subject), ""
    yield "Scale", figure("units", facts["units"]), _METRES if subject.moves and not metres else "", ""
    yield "Points", figure("points", facts["points"]), "", ""
    if facts.get("seconds"):
        below = f"{number(facts.get('frames', 0) / facts['seconds'])} frames a second"
        yield "Computed in", figure("seconds", facts["seconds"], moment(facts["seconds"])), below, ""


def _duration(subject: Subject) -> str:
    seconds = float(subject.times[-1] - subject.times[0])
    return figure("duration_s", seconds, moment(seconds) if seconds >= 10 else f"{seconds:.1f} s")


def _pace(subject: Subject) -> str:
    rate = frame_rate(subject.facts)
    return "" if rate is None else f"by an assumed rate of {number(rate)} pictures a second"
