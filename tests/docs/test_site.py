"""The site of docs/ is built without a warning, its links lead somewhere, and it loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from da3_stream.report.remedies import PAGE, REMEDIES
from da3_stream.types import AdviceCode
from tests.docs.pages import ROOT, Html


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built with warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return folder


@cache
def html(path: Path) -> Html:
    return Html.of(path)


@pytest.mark.slow
def test_every_page_of_docs_is_in_the_site(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert not {page for page in pages if not (site / page).exists()}


@pytest.mark.slow
def test_links_lead_to_pages_and_anchors_that_exist(site: Path) -> None:
    assert not [broken for page in pages_of(site) for broken in broken_links(page)]


def pages_of(site: Path) -> list[Path]:
    """All but 404.html, which has paths from the server's root."""
    return [path for path in site.rglob("*.html") if path.name != "404.html"]


def broken_links(page: Path) -> list[str]:
    """Links of a page within the site that lead nowhere."""
    return [f"{page.name}: {link}" for link in html(page).links if "://" not in link and not leads(page, link)]


def leads(page: Path, link: str) -> bool:
    path, anchor = urldefrag(unquote(link))
    target = (page.parent / path).resolve() if path else page
    if path in (".", "./"):
        target = page.parent / "index.html"
    if not target.exists():
        return False
    return not anchor or target.suffix != ".html" or anchor in html(target).anchors


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere_and_all_that_they_load_is_there(site: Path) -> None:
    loads = [(page, urldefrag(load)[0]) for page in pages_of(site) for load in html(page).loads]
    assert loads
    missing = [(page.name, load) for page, load in loads if not (page.parent / load).exists()]
    assert not [load for load in missing if not load[1].startswith("data:")]


@pytest.mark.slow
def test_the_public_names_are_told(site: Path) -> None:
    import da3_stream

    told = {anchor.rpartition(".")[2] for anchor in html(site / "api.html").anchors}
    assert set(da3_stream.__all__) <= told


@pytest.mark.slow
def test_every_code_that_a_run_says_has_a_place(site: Path) -> None:
    anchors = html(site / Path(PAGE).with_suffix(".html").name).anchors
    assert not [code for code in AdviceCode if code.value not in anchors]


@pytest.mark.slow
@pytest.mark.parametrize("code", AdviceCode)
def test_a_code_s_page_says_what_the_report_says(code: AdviceCode) -> None:
    section = re.split(r"^##+ ", (ROOT / PAGE).read_text(), flags=re.M)
    (text,) = [part for part in section if part.splitlines()[0] == code.value]
    remedy = REMEDIES[code]
    said = (remedy.title[1:], remedy.cause, remedy.help, *remedy.options)
    assert not [words for words in said if words not in " ".join(text.split())]


QUESTIONS = (
    "Which preset for a helmet camera?",
    "Why are there two segments?",
    "How do I get metres?",
    "The cloud is bent: what now?",
    "How do I open it in QGIS?",
    "How do I train splats from it?",
    "May I sell results of da3-large?",
    "How do I resume?",
    "How do I mask the bonnet?",
    "What does confidence mean?",
)


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_what_people_ask_is_answered_with_the_place_to_read_on(question: str) -> None:
    rows = [line for line in (ROOT / "docs" / "faq.md").read_text().splitlines() if line.startswith(f"| {question} |")]
    assert len(rows) == 1 and "](" in rows[0]


@pytest.mark.slow
def test_figures_of_the_readme_are_those_of_the_page_on_benchmarks() -> None:
    told = (ROOT / "README.md").read_text().split("<!-- RESULTS")[1].partition("<!-- /RESULTS")[0]
    rows = [line for line in told.splitlines() if line.startswith("| ")]
    assert rows and not [row for row in rows if row not in (ROOT / "docs" / "benchmarks.md").read_text()]
