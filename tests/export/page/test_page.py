"""A run in one file: no larger than it may be, the same bytes again, and honest about what it holds."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from da3_stream.errors import ExportError
from da3_stream.export.estimate import estimate_export
from da3_stream.export.exporting import export_run
from da3_stream.export.options import PageOptions
from da3_stream.store import Run, RunReader, create_run
from da3_stream.viewer import read_asset
from tests.export.table.pages import answers, by_page, frame_columns, pose_rows, state
from tests.worlds.known_runs import FRAMES, KINDS, KnownRun, make_run

GAPS = "with gaps at both ends"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> KnownRun:
    return make_run(tmp_path_factory.mktemp("known"), KINDS[GAPS])


def page(run: Path, path: Path, **options: object) -> tuple[Path, str]:
    return export_run(run, "page", path, options)


def altered(known: KnownRun, folder: Path, **status: object) -> Path:
    """Another run directory with these entries in run.json."""
    copytree(known.path, folder)
    run = Run(folder)
    run.write_status({**run.read_status(), **status})
    return folder


@pytest.mark.slow
def test_a_page_has_the_same_bytes_again(known: KnownRun, tmp_path: Path) -> None:
    first, _ = page(known.path, tmp_path / "a.html")
    again, _ = page(known.path, tmp_path / "b.html")
    assert first.read_bytes() == again.read_bytes()


def assets_mb() -> float:
    return sum(len(read_asset(name)) for name in ("index.html", "page.css", "page.js")) / 1e6


@pytest.mark.slow
@pytest.mark.parametrize("more_mb", [0.1, 0.2, 0.3])
def test_points_fill_a_page_up_to_its_size(known: KnownRun, tmp_path: Path, more_mb: float) -> None:
    max_mb = assets_mb() + more_mb
    path, said = page(known.path, tmp_path / "page.html", max_mb=max_mb)
    xyz, _ = by_page(path)
    whole, _ = by_page(page(known.path, tmp_path / "whole.html")[0])
    assert path.stat().st_size <= max_mb * 1e6
    assert 0 < len(xyz) < len(whole) and path.stat().st_size > max_mb * 1e6 - 30_000  # a node more does not fit
    assert f"{len(xyz):,} of {len(whole):,} points" in said
    told = state(path)
    assert told["embedded"]["points"] == len(xyz) and told["embedded"]["of"] == len(whole)
    assert sum(submap["points"] for submap in told["submaps"]) == len(xyz)
    every_frame = frame_columns(answers(path)["/frames"])["source_index"]
    assert every_frame.tolist() == list(range(FRAMES))


@pytest.mark.slow
def test_a_size_that_cannot_be_kept_is_refused_with_one_that_can(known: KnownRun, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="takes ([0-9.]+) MB") as refused:
        page(known.path, tmp_path / "page.html", max_mb=0.1)
    least = float(str(refused.value).split("takes ")[1].split(" MB")[0])
    path, _ = page(known.path, tmp_path / "page.html", max_mb=least)
    assert path.stat().st_size <= least * 1e6


@pytest.mark.slow
def test_pictures_are_even_and_as_many_as_wanted(known: KnownRun, tmp_path: Path) -> None:
    path, said = page(known.path, tmp_path / "page.html", pictures=3)
    rows = state(path)["embedded"]["images"]
    assert len(rows) == 3 and (rows[0], rows[-1]) == (known.posed[0], known.posed[-1]) and "3 pictures" in said
    assert page(known.path, tmp_path / "none.html", pictures=0)[1].count("0 pictures") == 1


@pytest.mark.slow
def test_frames_that_are_not_selected_are_not_shown(known: KnownRun, tmp_path: Path) -> None:
    path, _ = page(known.path, tmp_path / "page.html", frames="4:8")
    found = answers(path)
    poses = pose_rows(found["/poses"])
    assert np.flatnonzero(np.isfinite(poses.scale)).tolist() == [4, 5, 6, 7]
    assert state(path)["embedded"]["images"] == [4, 5, 6, 7]
    xyz, _ = by_page(path)
    assert np.isfinite(xyz).all() and 0 < len(xyz) < len(by_page(page(known.path, tmp_path / "all.html")[0])[0])


def test_a_run_that_goes_on_is_shown_as_it_is(known: KnownRun, tmp_path: Path) -> None:
    run = altered(known, tmp_path / "run", state="running", source_indices=[], timestamps=[])
    path, said = page(run, tmp_path / "page.html")
    assert "points" in said and len(by_page(path)[0]) > 0


def test_a_run_without_points_or_poses_has_a_page(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run")
    run.write_status(
        {
            **run.read_status(),
            "state": "finished",
            "frames": 2,
            "source_indices": [0, 1],
            "timestamps": [0.0, 0.1],
            "input": {"name": "film", "size": [64, 48], "paths": []},
        }
    )
    path, said = page(run.path, tmp_path / "page.html")
    assert said.startswith("no points") and state(path)["submaps"] == []
    assert len(frame_columns(answers(path)["/frames"])["time"]) == 0


def test_texts_of_the_run_are_no_html(known: KnownRun, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x>"
    run = altered(known, tmp_path / "run", model={"name": evil})
    path, _ = page(run, tmp_path / "page.html")
    text = path.read_text()
    assert evil not in text and "&lt;img src=x&gt;" in text
    assert json.loads(answers(path)["/state"])["run"]["model"] == evil


def test_where_the_run_lies_is_not_told(known: KnownRun, tmp_path: Path) -> None:
    path, _ = page(known.path, tmp_path / "page.html")
    bodies = [path.read_bytes(), *(body for name, body in answers(path).items() if not name.startswith("/image"))]
    assert not any(str(known.path.parent).encode() in body for body in bodies)
    told = state(path)
    assert (told["exports"], told["export_commands"], told["has_report"]) == ([], [], False)


def test_a_generous_size_takes_no_more_of_the_disk_than_the_run_fills(known: KnownRun, tmp_path: Path) -> None:
    reader = RunReader.open(known.path)
    large, small = (estimate_export(reader, PageOptions(max_mb=mb), tmp_path).bytes for mb in (1e9, 2.0))
    path, _ = page(known.path, tmp_path / "page.html", max_mb=1e9)
    assert path.stat().st_size <= large < 40e6
    assert small == 2e6
