"""An input that lies elsewhere and was copied to a disk of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CopiedInput:
    """`names` open the input here; `addresses` are how it was given, and open it again anywhere.

    `prefixes` are (of paths here, of addresses): what is copied has the same path behind either.
    """

    names: Sequence[str]
    addresses: Sequence[str]
    prefixes: Sequence[tuple[str, str]]

    def as_given(self, text: str) -> str:
        """A path here, or a text that holds one, with the address in its place."""
        for here, there in self.prefixes:
            text = text.replace(here, there)
        return text
