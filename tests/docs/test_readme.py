"""Links of pages that are read in the repository, not in the site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)")
TITLE = re.compile(r"^#+ (.*)$", re.M)


def anchors(page: Path) -> set[str]:
    """Where links can lead in a page, by its titles."""
    titles = TITLE.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "weights/README.md", "tests/README.md"]
)
def test_links_of_a_page_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for path, anchor in LINK.findall(page.read_text()):
        if "://" in path:
            continue
        target = (page.parent / path) if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"
