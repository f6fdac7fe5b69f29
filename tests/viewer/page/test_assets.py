"""The page's committed files are what `make assets` makes of the committed sources; and they stay small."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

VIEWER = Path(__file__).resolve().parents[3] / "da3_stream" / "viewer"
HASHES = json.loads((VIEWER / "assets" / "hashes.json").read_text())


def _hashes(root: Path, paths: list[Path]) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_the_assets_are_made_from_the_sources_as_they_are() -> None:
    page = VIEWER / "page"
    sources = [page / name for name in ("build.mjs", "index.html", "package.json", "package-lock.json")]
    sources += [path for path in (page / "src").rglob("*") if path.is_file()]
    assert _hashes(page, sources) == HASHES["sources"], (
        "a source changed: run `make assets` and commit da3_stream/viewer"
    )


def test_the_assets_are_as_they_were_made() -> None:
    assets = [path for path in (VIEWER / "assets").iterdir() if path.name != "hashes.json"]
    assert _hashes(VIEWER / "assets", assets) == HASHES["assets"]


def test_the_page_takes_at_most_two_megabytes() -> None:
    assert sum(path.stat().st_size for path in (VIEWER / "assets").iterdir()) <= 2e6


def test_what_is_bundled_is_pinned_and_comes_with_its_licence() -> None:
    package = json.loads((VIEWER / "page" / "package.json").read_text())
    assert all(version[0].isdigit() for version in package["devDependencies"].values())
    for name in ("three", "gaussian-splats-3d"):
        assert "Permission is hereby granted" in (VIEWER / "assets" / f"LICENSE.{name}.txt").read_text()


NAMES = {"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"}
LINKS = {"https://immersiveweb.dev/", "https://people.math.harvard.edu/"}  # a button's, which is not shown; a comment's


@pytest.mark.parametrize("word", ["http://", "https://", "eval(", "import(", "new Function"])
@pytest.mark.parametrize(("name", "known"), [("page.js", NAMES), ("splats.js", NAMES | LINKS)])
def test_the_script_loads_nothing_and_makes_no_code(name: str, known: set[str], word: str) -> None:
    script = (VIEWER / "assets" / name).read_text()
    hits = [script[k : k + 60] for k in range(len(script)) if script.startswith(word, k)]
    assert [hit for hit in hits if not any(hit.startswith(each) for each in known)] == []
