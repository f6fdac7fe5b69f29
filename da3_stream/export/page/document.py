"""The HTML file: the page's own HTML, style and script put inline, and what a server would answer as blocks of base64.

Nothing in it is taken from elsewhere: the policy in its head lets nothing run but the one script and the styles whose
hashes it tells, and no connection be made at all. Base64 has no letter that HTML minds, so data needs no escaping.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO, overload

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError

_STYLE = re.compile(r'<link\b[^>]*\brel="stylesheet"[^>]*>')
_SCRIPT = re.compile(r'<script\b[^>]*\bsrc="[^"]*"[^>]*>\s*</script>')
_OUTSIDE = re.compile(r'\b(?:src|href)="(?!data:|#)', re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """What stands before the answers, and what stands behind them."""

    before: bytes
    after: bytes

    @property
    def size(self) -> int:
        """Bytes, without any answer."""
        return len(self.before) + len(self.after)


def make_document(page: str, style: str, script: str, figures: str, figures_style: str) -> Document:
    """Of the page's HTML, which refers to one stylesheet and one script, and a fragment of HTML behind its other
    content. Raises ExportError where something of it would have to be fetched, or would end the script early."""
    for text, closing in ((style + figures_style, "</style"), (script, "</script"), (script, "<!--")):
        if closing in text.lower():
            raise ExportError(f"the page's files hold {closing!r}, which would end them in one HTML file")
    styles = (style, figures_style)
    page = _once(_STYLE, page, "".join(f"<style>{text}</style>" for text in styles))
    head, _, rest = _once(_SCRIPT, page, f'<script type="module">{script}</script>').partition("<head>")
    start, end, closing = rest.rpartition("</body>")
    if not (rest and end) or _OUTSIDE.search(start.replace(script, "")):
        raise ExportError("the page's HTML does not stand alone: expected head and body, and nothing to be fetched")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_policy(styles, script)}">'
    before = f"{head}<head>{policy}{start}{figures}\n"
    return Document(before.encode(), f"{end}{closing}".encode())


def _once(pattern: re.Pattern[str], page: str, text: str) -> str:
    """The page with `text` in the place of what the pattern finds. Raises ExportError unless it finds one."""
    found = pattern.findall(page)
    if len(found) != 1:
        raise ExportError(f"the page's HTML has {len(found)} of {pattern.pattern!r}: expected one")
    return page.replace(found[0], text)


def _policy(styles: Iterable[str], script: str) -> str:
    """Content-Security-Policy, level 3; what is not named is refused."""
    allowed = " ".join(_hash(text) for text in styles)
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {allowed}; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def write_answer(file: BinaryIO, path: str, body: bytes) -> None:
    """The answer to a request for `path`, as a block that the script finds by it."""
    file.write(_opening(path) + b64encode(body) + _CLOSING)


def answer_size(path: str, length: int) -> int:
    """Bytes that an answer of this length takes."""
    return len(_opening(path)) + base64_size(length) + len(_CLOSING)


@overload
def base64_size(length: int) -> int: ...


@overload
def base64_size(length: NDArray[np.int64]) -> NDArray[np.int64]: ...


def base64_size(length: int | NDArray[np.int64]) -> int | NDArray[np.int64]:
    """Of bytes in base64, padded."""
    return (length + 2) // 3 * 4


def _opening(path: str) -> bytes:
    return f'<script type="text/plain" class="answer" data-path="{path}">'.encode("ascii")


_CLOSING = b"</script>\n"
