"""The pages that a reader sees, and links of HTML pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FETCHED = {"script": "src", "img": "src", "source": "src", "video": "src", "iframe": "src"}
FENCE = re.compile(r"^(?P<weights><!-- needs weights -->\n)?```(?P<kind>\w*)[^\n]*\n(?P<body>.*?)^```", re.M | re.S)


def pages() -> list[Path]:
    """README, CONTRIBUTING and all pages of docs/."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_to_run(page: Path) -> list[str]:
    """The blocks of Python in a page, but for those that need a model's weights (a comment above says so)."""
    found = FENCE.finditer(page.read_text())
    return [block["body"] for block in found if block["kind"] == "python" and not block["weights"]]


@dataclass
class Html(HTMLParser):
    """What an HTML page links to, loads when it is opened, and can be linked at."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def of(cls, path: Path) -> Html:
        page = cls()
        page.feed(path.read_text())
        return page

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.anchors |= {values[name] for name in ("id", "name") if name in values and tag != "meta"}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload"):
            self.loads.append(values["href"])
        if tag in FETCHED and FETCHED[tag] in values:
            self.loads.append(values[FETCHED[tag]])
