"""The `da3-stream` commands that pages show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import pages

CALL = re.compile(r"(?:^|[|(`;&]\s*|\s)(?:\S*/)?da3-stream(?=[ `])([^`\n]*)")
END = re.compile(r"\s(?:\||>|<|&&|;)(?:\s|$)|\s#\s|;$|,? then$")
PLACEHOLDERS = {"N": "1"}  # of numbers; others may be any word


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it: its words behind `da3-stream`."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def shown_commands() -> list[Shown]:
    """Each command once, of code blocks and of code in lines."""
    return list(dict.fromkeys(command for page in pages() for command in _of(page)))


def _of(page: Path) -> Iterator[Shown]:
    for code in _code(page.read_text()):
        for found in CALL.finditer(code):
            words = _words(found[1])
            if words:
                yield Shown(page.name, words)


def _code(text: str) -> Iterator[str]:
    """Lines of code blocks, and code within paragraphs, which may go on in the next line."""
    fenced, paragraph = False, ""
    for line in [*text.splitlines(), ""]:
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or (line.startswith("    ") and not paragraph):
            yield line
        elif line.strip():
            paragraph += f"{line.strip()} "
        else:
            yield from (f"{code} " for code in re.findall(r"`([^`]+)`", paragraph))
            paragraph = ""


def _words(text: str) -> tuple[str, ...]:
    """The words of a command up to a comment, pipe or redirection; none where the text only names a command."""
    text = END.split(f"{text} ", maxsplit=1)[0]
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(text) if word not in ("...", "…")]
    return tuple(words)
