"""What a run says of itself, in words: what is not to be trusted, when, why, and what helps."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from pathlib import Path

from ...types import AdviceCode
from ..remedies import PAGE, anchor
from ..said import Said, said, trust_word
from .html import escape, folded, section
from .subject import Subject

_MOST_TIMES, _MOST_TEXTS = 12, 4  # of one code
_DOCS = Path(__file__).parents[3] / PAGE  # of a checkout


def advice(subject: Subject) -> str:
    """A card for every code, the ones that distrust the map first; what is about the input is folded."""
    rows = _once(said(subject.facts))
    of_frames = [_card(subject, group) for group in _by_code([row for row in rows if not row.of_input])]
    of_input = [_card(subject, group) for group in _by_code([row for row in rows if row.of_input])]
    if not of_frames and trust_word(subject.facts) == "good":
        of_frames = ['<li class="fine"><h3>Nothing speaks against this map</h3></li>']
    return section(
        "advice",
        "Advice",
        f'<ul class="cards">{"".join(of_frames)}</ul>' if of_frames else "",
        folded(f"About the input ({len(of_input)})", f'<ul class="cards">{"".join(of_input)}</ul>' if of_input else ""),
    )


def _once(rows: list[Said]) -> list[Said]:
    """Without stretches of low confidence that only tell once more why frames have no pose."""
    unplaced = {row.text for row in rows if row.code == AdviceCode.UNPLACED}
    return [row for row in rows if row.code != AdviceCode.LOW_CONFIDENCE or row.text not in unplaced]


def _by_code(rows: list[Said]) -> list[list[Said]]:
    """Rows of one code together; what distrusts the map first, then what lasts longest."""
    groups = [list(group) for _, group in groupby(sorted(rows, key=attrgetter("code")), attrgetter("code"))]
    return sorted(groups, key=lambda group: (not _is_bad(group[0]), -sum(row.to_s - row.from_s for row in group)))


def _card(subject: Subject, rows: list[Said]) -> str:
    first, remedy = rows[0], rows[0].remedy
    texts = list(dict.fromkeys(row.text for row in rows))
    told = "".join(f"<p>{escape(text)}</p>" for text in texts[:_MOST_TEXTS])
    if len(texts) > _MOST_TEXTS:
        told += f"<p>and {len(texts) - _MOST_TEXTS} more: see run.json</p>"
    options = "".join(f" <code>{escape(option)}</code>" for option in remedy.options)
    return (
        f'<li class="{"bad" if _is_bad(first) else "note"}" data-code="{first.code.value}">'
        f"<h3>{escape(remedy.title.capitalize())}</h3>{_times(rows)}{told}"
        f'<p class="why"><b>Why:</b> {escape(remedy.cause)}</p>'
        f'<p class="help"><b>What helps:</b> {escape(remedy.help)}{options} {_more(subject, first.code)}</p></li>'
    )


def _is_bad(row: Said) -> bool:
    return row.distrusts_map or row.code == AdviceCode.UNPLACED


def _times(rows: list[Said]) -> str:
    if rows[0].of_input:
        return ""
    spans = "".join(
        f'<time data-from="{row.from_s!r}" data-to="{row.to_s!r}">{escape(row.when)}</time> '
        for row in rows[:_MOST_TIMES]
    )
    left = len(rows) - _MOST_TIMES
    return f"<p>{spans}{f'and {left} more' if left > 0 else ''}</p>"


def _more(subject: Subject, code: AdviceCode) -> str:
    """A link to the documentation, where this program lies beside it."""
    if not _DOCS.exists():
        return f"<small>{escape(anchor(code))}</small>"
    from os.path import relpath

    return f'<a href="{escape(relpath(_DOCS, subject.reader.path.resolve()))}#{code.value}">more</a>'
