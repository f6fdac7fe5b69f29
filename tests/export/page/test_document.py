"""The HTML file stands alone, and lets nothing in that it does not hold."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO

import pytest

from da3_stream.errors import ExportError
from da3_stream.export.page.document import Document, answer_size, make_document, write_answer

PAGE = (
    '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>da3_stream</title>\n'
    '<link rel="stylesheet" href="assets/page.css"><script type="module" src="assets/page.js"></script></head>\n'
    '<body><canvas id="view"></canvas></body>\n</html>\n'
)
STYLE, SCRIPT, FIGURES = "body { margin: 0 }", "document.title = 'a < b && c'", "<p>1.5 km</p>"


def made(page: str = PAGE, style: str = STYLE, script: str = SCRIPT) -> Document:
    return make_document(page, style, script, FIGURES, "p { color: red }")


class Read(HTMLParser):
    """Texts of elements by tag, and the policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self.policy, self._tag = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.texts.setdefault(tag, []).append("")
        given = dict(attrs)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""

    def handle_data(self, data: str) -> None:
        if self._tag:
            self.texts[self._tag][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""


def hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_the_script_and_the_styles_of_the_file_and_no_connection() -> None:
    read = Read((made().before + made().after).decode())
    rules = dict(rule.strip().split(" ", 1) for rule in read.policy.split(";"))
    assert rules["default-src"] == "'none'" and "connect-src" not in rules
    assert rules["script-src"].split() == [hashed(text) for text in read.texts["script"]] == [hashed(SCRIPT)]
    assert rules["style-src"].split() == [hashed(text) for text in read.texts["style"]]
    assert read.texts["p"] == ["1.5 km"]


def test_the_policy_stands_before_all_that_it_rules() -> None:
    text = made().before.decode()
    assert text.index("Content-Security-Policy") < min(
        text.index("<script"), text.index("<style"), text.index("<title")
    )


@pytest.mark.parametrize("length", [0, 1, 2, 3, 1000])
def test_an_answer_takes_the_bytes_that_are_counted_and_comes_back_as_it_was(length: int) -> None:
    file, body = BytesIO(), bytes(range(256)) * 4
    write_answer(file, "/points/3", body[:length])
    assert len(file.getvalue()) == answer_size("/points/3", length)
    (text,) = Read(file.getvalue().decode()).texts["script"]
    assert b64decode(text) == body[:length]


@pytest.mark.parametrize(
    "given",
    [
        {"script": "x = '</script>'"},
        {"script": "x = '<!-- '"},
        {"style": "</style>"},
        {"page": PAGE.replace("<canvas", '<img src="https://example.org/a.png"><canvas')},
        {"page": PAGE.replace("</body>", "")},
        {"page": PAGE.replace('<link rel="stylesheet" href="assets/page.css">', "")},
    ],
)
def test_what_would_not_stand_alone_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ExportError):
        made(**given)
