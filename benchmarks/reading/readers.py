"""The readers by name: which formats each reads, and which of their cells it checks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks.reading.installed import Installed
from tests.export.table.exported import Exported

PROBES = Path(__file__).parent / "probes"
LIMIT_S = 300


class ReaderError(Exception):
    """A program that failed on an export, with the last lines of what it said."""


@dataclass(frozen=True)
class Workbench:
    """The installed programs, and a folder for what they write."""

    installed: Installed
    folder: Path

    def run(self, words: Sequence[object]) -> str:
        """What a program of an unpacked Debian package prints. Raises ReaderError where it fails, or takes minutes."""
        return _said(self.installed, tuple(map(str, words)), self.folder, unpacked=True)

    def probe(self, interpreter: str, name: str, *words: object) -> Any:
        """The JSON that a script of `probes` prints last; asked once for the same words."""
        return json.loads(_asked(self.installed, interpreter, name, tuple(map(str, words))))

    def python(self, name: str, *words: object) -> Any:
        """A probe under the interpreter with evo, Blender, GDAL and MeshLab."""
        return self.probe(self.installed.python(), name, *words)

    def node(self, name: str, *words: object) -> Any:
        """A probe under node."""
        return self.probe("node", name, *words)


@cache
def _asked(installed: Installed, interpreter: str, name: str, words: tuple[str, ...]) -> str:
    """The last line that a probe prints."""
    command = (interpreter, str(PROBES / name), *words)
    said = _said(installed, command, installed.folder, unpacked=interpreter == "node")  # node may start Chromium
    return said.strip().splitlines()[-1]


def _said(installed: Installed, words: tuple[str, ...], folder: Path, *, unpacked: bool) -> str:
    around, name = installed.environment(unpacked=unpacked), Path(words[0]).name
    run = partial(subprocess.run, check=True, capture_output=True, text=True, timeout=LIMIT_S, env=around, cwd=folder)
    try:
        return str(run(words).stdout)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "").strip().splitlines()[-6:]
        raise ReaderError(f"{name} failed: {' | '.join(said)}") from None
    except subprocess.TimeoutExpired:
        raise ReaderError(f"{name} took over {LIMIT_S} s") from None


Check = Callable[[Workbench, Exported], None]


@dataclass(frozen=True)
class Reader:
    """A program, the part of the installation that has it, and by the name of a row of the table (see
    tests/export/table) the cells that it checks."""

    name: str
    part: str
    cells: Mapping[str, Mapping[str, Check]]


def readers() -> tuple[Reader, ...]:
    """All of them."""
    from benchmarks.reading import clouds, maps, models, scenes, splats, trajectories

    return (
        *models.READERS,
        *trajectories.READERS,
        *scenes.READERS,
        *clouds.READERS,
        *splats.READERS,
        *maps.READERS,
    )
