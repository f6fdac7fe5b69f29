"""What MkDocs does beside its own: tables of benchmarks become pages of the site, links to source files become text.

The pages of docs/ are read in the repository as well, where they link to files outside docs/. In the site
`../benchmarks/results/NAME.md` is the page `results/NAME.md`, `../configs/base.yaml` the page `settings.md`, and a link
to source is its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
RESULTS = PurePosixPath("benchmarks/results")
SETTINGS = PurePosixPath("configs/base.yaml")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the tables and pictures of benchmarks/results as pages `results/*`, and all settings with their defaults."""
    files.append(File.generated(config, "settings.md", content=settings_page()))
    for path in result_files():
        files.append(File.generated(config, f"results/{path.name}", abs_src_path=str(path)))
    return files


def settings_page() -> str:
    """All settings with their defaults, and the presets."""
    presets = [path for path in sorted((ROOT / SETTINGS).parent.glob("*.yaml")) if path.name != SETTINGS.name]
    text = [f"# Settings\n\n```yaml\n{(ROOT / SETTINGS).read_text()}```\n\n## Presets\n"]
    text += [f"### {path.stem}\n\n```yaml\n{path.read_text()}```\n" for path in presets]
    return "\n".join(text)


def result_files() -> Iterator[Path]:
    """The tables and pictures of benchmarks/results."""
    folder = ROOT / RESULTS
    yield from (path for path in sorted(folder.iterdir()) if path.suffix in (".md", ".png"))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links out of docs/ to the pages of the site, or make text of them."""
    source = PurePosixPath("docs") / page.file.src_uri
    if page.file.src_uri.startswith("results/"):
        source = RESULTS / PurePosixPath(page.file.src_uri).name
    return LINK.sub(lambda found: site_link(found, source, page.file.src_uri), markdown)


def site_link(found: re.Match[str], source: PurePosixPath, page: str) -> str:
    """A link of the file `source` as the page `page` of the site has it."""
    picture, text, target, anchor = found[1], found[2], found[3], found[4] or ""
    if "://" in target or target.startswith("mailto:"):
        return found[0]
    path = PurePosixPath(normpath(str(source.parent / target)))
    if not (ROOT / path).exists():
        raise PluginError(f"{source} links to {path}, which is not there")
    if path == SETTINGS:
        return f"[{text}]({relpath('settings.md', str(PurePosixPath(page).parent))})"
    if path.parent == RESULTS and path.suffix in (".md", ".png"):
        return f"{picture}[{text}]({relpath(f'results/{path.name}', str(PurePosixPath(page).parent))}{anchor})"
    if path.is_relative_to("docs") and path.suffix != ".py":
        return f"{picture}[{text}]({relpath(str(path.relative_to('docs')), str(PurePosixPath(page).parent))}{anchor})"
    return text
