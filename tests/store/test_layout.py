"""run.json tells the version of the layout; a run of one that is not known is refused by everything that opens runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from da3_stream import Reconstruction
from da3_stream.errors import StoreError
from da3_stream.evaluation import evaluate
from da3_stream.export.exporting import export_run
from da3_stream.report import info
from da3_stream.store import create_run, open_run, read_depth, read_poses
from tests.worlds.street import run_with_pages


def evaluated(run: Path) -> None:
    """Against a truth that lies beside it."""
    evaluate(run, run.parent / "truth.txt")


OPENERS: list[Callable[[Path], object]] = [
    open_run,
    read_poses,
    lambda run: read_depth(run, 3),
    info,
    evaluated,
    lambda run: export_run(run, "tum"),
    Reconstruction,
]


def with_layout(path: Path, layout: object) -> Path:
    run = run_with_pages(path)
    run.write_status({**run.read_status(), "layout": layout})
    return run.path


@pytest.mark.parametrize("opened", OPENERS)
@pytest.mark.parametrize("layout", [2, "x", None])
def test_an_unknown_one_is_refused_in_one_sentence(
    tmp_path: Path, opened: Callable[[Path], object], layout: object
) -> None:
    run = with_layout(tmp_path / "run", layout)
    (tmp_path / "truth.txt").write_text("1 0 0 0 0 1 0 0 0 0 1 0\n" * 28)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(
        StoreError, match=r"has layout (2|\"x\"|null), and this version .* knows layout 1 only: use the"
    ):
        opened(run)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("layout", [0, 1.0, True, [1], "1"])
def test_what_only_looks_like_a_known_one_is_refused(tmp_path: Path, layout: object) -> None:
    with pytest.raises(StoreError, match="knows layout 1 only"):
        open_run(with_layout(tmp_path / "run", layout))


@pytest.mark.parametrize("known", [{}, {"layout": 1}, {"layout": 1, "a key of later": 3}])
def test_a_known_one_and_none_and_new_keys_open(tmp_path: Path, known: dict[str, int]) -> None:
    run = run_with_pages(tmp_path / "run")
    run.write_status({**run.read_status(), **known})
    assert len(Reconstruction(run.path)) == len(read_poses(run.path)) == 28


def test_an_unknown_one_may_be_overwritten(tmp_path: Path) -> None:
    run = create_run(with_layout(tmp_path / "run", 2), overwrite=True)
    assert open_run(run.path).read_status() == {"state": "running"}
