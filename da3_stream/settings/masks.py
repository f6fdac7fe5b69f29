"""Which masks a run uses: found by itself, none, by hand."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from .validation import off

WORDS = ("auto", "off")
EXPECTED = "auto or off, and images, folders or patterns of masks"


def _choice(value: object) -> object:
    """One word or path as it is; several as a tuple. Raises ValueError for what is neither, and for both words."""
    words = [off(word) for word in (value if isinstance(value, (list, tuple)) else [value])]
    if not words or not all(isinstance(word, str) and word for word in words):
        raise ValueError(f"expected {EXPECTED}, not {value!r}")
    if set(WORDS) <= set(words):
        raise ValueError("auto and off contradict each other: give one of them")
    return words[0] if len(words) == 1 else tuple(words)


MaskChoice = Annotated[str | tuple[str, ...], BeforeValidator(_choice)]


def words_of(choice: str | tuple[str, ...]) -> tuple[str, ...]:
    """The choice's words and paths."""
    return (choice,) if isinstance(choice, str) else choice
