"""Every format keeps names, frame of reference, units, colours, times, and copes with unknown poses: the table of
tests/export/table, on a run of each kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from da3_stream.export.exporting import export_run
from da3_stream.export.formats import FORMATS
from tests.export.table.cells import SLOW, TABLE
from tests.export.table.exported import Exported
from tests.worlds.known_runs import KINDS, KnownRun, make_run

QUICK = ("on a map, with gaps", "through a lens that bends")
PACKAGES = {"spz": ("gsply",)}  # of formats, that are not among those of development
Export = Callable[[str, str], Exported]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """A format by the name of its row, of a run of this kind: made once."""

    @cache
    def run(kind: str) -> KnownRun:
        return make_run(tmp_path_factory.mktemp("run"), KINDS[kind])

    @cache
    def exported(kind: str, name: str) -> Exported:
        form, options = name.split()[0], TABLE[name].options
        for package in PACKAGES.get(form, ()):
            pytest.importorskip(package, reason=f"{form} needs {package}, which is 200 MB with what it needs")
        suffix = "".join(Path(FORMATS[form].file.format(encoding=(options or {}).get("encoding", ""))).suffixes)
        target = run(kind).path.parent / f"{name.replace(' ', '_')}{suffix}"
        path, summary = export_run(run(kind).path, form, target, options)
        return Exported(run(kind), form, path, summary)

    return exported


@pytest.mark.slow
def test_every_format_has_a_row() -> None:
    assert {name.split()[0] for name in TABLE} == set(FORMATS)


def is_quick(kind: str, name: str) -> bool:
    """The other runs and formats take a minute."""
    return kind in QUICK and name not in SLOW


CELLS = [
    pytest.param(
        kind, name, topic, id=f"{name}-{topic}-{kind}", marks=() if is_quick(kind, name) else [pytest.mark.slow]
    )
    for name, row in TABLE.items()
    for topic, cell in row.cells().items()
    for kind, is_like in KINDS.items()
    if not isinstance(cell, str) and not (row.needs_place and is_like.georeference is None)
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name", "topic"), CELLS)
def test_a_format_keeps(kind: str, name: str, topic: str, export: Export) -> None:
    cell = TABLE[name].cells()[topic]
    assert not isinstance(cell, str)
    cell(export(kind, name))
