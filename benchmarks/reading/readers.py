"""The readers by name: which formats each reads, and which of their cells it checks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

    def run(self, words: Sequence[object], *, unpacked: bool = True) -> str:
        """What a program prints; `unpacked`: one of an unpacked Debian package, or who starts one. Raises ReaderError
        where it fails, or takes minutes."""
        try:
            environment = self.installed.environment(unpacked=unpacked)
            return subprocess.run(
                [str(word) for word in words],
                check=True,
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                env=environment,
                cwd=self.folder,
            ).stdout
        except subprocess.CalledProcessError as error:
            said = (error.stderr or error.stdout or "").strip().splitlines()[-6:]
            raise ReaderError(f"{Path(str(words[0])).name} failed: {' | '.join(said)}") from None
        except subprocess.TimeoutExpired:
            raise ReaderError(f"{Path(str(words[0])).name} took over {LIMIT_S} s") from None

    def probe(self, interpreter: str, name: str, *words: object) -> Any:
        """The JSON that a script of `probes` prints last."""
        said = self.run([interpreter, PROBES / name, *words], unpacked=interpreter == "node")
        return json.loads(said.strip().splitlines()[-1])

    def python(self, name: str, *words: object) -> Any:
        """A probe under the interpreter with evo, Blender, GDAL and MeshLab."""
        return self.probe(self.installed.python(), name, *words)

    def node(self, name: str, *words: object) -> Any:
        """A probe under node."""
        return self.probe("node", name, *words)


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
    from benchmarks.reading import clouds, maps, models, scenes, trajectories

    return (
        *models.READERS,
        *trajectories.READERS,
        *scenes.READERS,
        *clouds.READERS,
        *maps.READERS,
    )
