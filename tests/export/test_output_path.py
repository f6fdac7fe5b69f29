from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from da3_stream.errors import ExportError, StoreError
from da3_stream.export.exporting import export_run
from da3_stream.export.output_path import MARK, output_path
from da3_stream.store import Run
from da3_stream.store.files import replacing_folder
from tests.worlds.gated_run import gated_run

TWO = {"frames": "0:3"}  # two maps


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """tmp_path / "all" holds the folders run and input."""
    return gated_run(tmp_path / "all")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("run", "would take the place of the run: give another name"),
        (".", "would take the place of the run"),
        ("run/windows/../..", "would take the place of the run"),
        ("link", "would take the place of the run"),
        ("/", "would take the place of the run"),
        ("input", "would take the place of the input of the run"),
        ("run/windows", r"is among the run's own files: give a place in run/export, or outside the run"),
        ("run/new", "is among the run's own files"),
        ("run/export", "is among the run's own files"),
    ],
)
def test_the_run_and_its_input_are_never_replaced(run, monkeypatch, place, said):
    monkeypatch.chdir(run.path.parent)
    Path("link").symlink_to("run")
    before = contents(Path())
    for form in ("depth", "tum"):
        with pytest.raises(ExportError, match=said) as error:
            export_run(Path("run"), form, Path(place), TWO, overwrite=True)
        assert "\n" not in str(error.value) and contents(Path()) == before


def test_files_of_the_run_and_of_its_input_are_never_replaced(run):
    film = run.path.parent / "input" / "000.png"
    run.write_status({**run.read_status(), "input": {**run.read_status()["input"], "paths": [str(film)]}})
    before = contents(run.path.parent)
    for place in (run.path / "run.json", run.path / "scene.json", film):
        with pytest.raises(ExportError, match="is among the run's own files|take the place of the input"):
            export_run(run.path, "tum", place, overwrite=True)
    assert contents(run.path.parent) == before


def test_only_an_empty_folder_or_an_export_is_replaced(run, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    export_run(run.path, "depth", folder, TWO, overwrite=True)
    assert len(list((folder / "depth").iterdir())) == 2 and (folder / MARK).is_file()
    export_run(run.path, "depth", folder, overwrite=True)
    assert len(list((folder / "depth").iterdir())) == 12
    (folder / MARK).unlink()
    before = contents(folder)
    with pytest.raises(ExportError, match="mine was not written by an export: remove it yourself, or give another"):
        export_run(run.path, "depth", folder, overwrite=True)
    assert contents(folder) == before and sorted(path.name for path in tmp_path.iterdir()) == ["all", "mine"]


def test_where_a_link_leads_is_replaced_and_the_link_stays(run, tmp_path):
    export_run(run.path, "depth", tmp_path / "there", TWO)
    (tmp_path / "link").symlink_to("there")
    path, _ = export_run(run.path, "depth", tmp_path / "link", overwrite=True)
    assert path == tmp_path / "link" and path.is_symlink() and len(list((tmp_path / "there/depth").iterdir())) == 12


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_the_old_folder_is_back_where_the_new_one_cannot_take_its_place(run, tmp_path, monkeypatch, error):
    folder, _ = export_run(run.path, "depth", tmp_path / "d", TWO)
    before = contents(tmp_path)
    rename = Path.rename

    def failing(path, target):
        if path.name == ".d.tmp":
            raise error
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises((ExportError, KeyboardInterrupt)):
        export_run(run.path, "depth", folder, overwrite=True)
    assert contents(tmp_path) == before and sorted(path.name for path in tmp_path.iterdir()) == ["all", "d"]


def test_ctrl_c_while_the_old_folder_is_removed_leaves_the_new_one(run, tmp_path, monkeypatch):
    folder, _ = export_run(run.path, "depth", tmp_path / "d", TWO)
    remove = shutil.rmtree

    def interrupted(path, **how):
        if Path(path).name == ".d.old.tmp" and Path(path).exists():
            raise KeyboardInterrupt
        remove(path, **how)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "rmtree", interrupted)
        export_run(run.path, "depth", folder, overwrite=True)
    assert len(list((folder / "depth").iterdir())) == 12
    export_run(run.path, "depth", folder, TWO, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all", "d"]


def test_folders_of_the_store_come_back_too(tmp_path, monkeypatch):
    path = tmp_path / "tiles"
    with replacing_folder(path) as folder:
        (folder / "old").touch()

    def refused(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(StoreError, match="cannot write .*tiles: No space left"):
        patch.setattr(Path, "rename", refused)
        with replacing_folder(path) as folder:
            (folder / "new").touch()
    assert [entry.name for entry in path.iterdir()] == ["old"] and list(tmp_path.iterdir()) == [path]
    with replacing_folder(path) as folder:
        (folder / "new").touch()
    assert [entry.name for entry in path.iterdir()] == ["new"] and list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_is_one_sentence(run, tmp_path):
    (tmp_path / "file").touch()
    os.symlink("circle", tmp_path / "circle")
    for place in ("file/below", "file", "circle/below", "circle"):
        with pytest.raises(ExportError, match="cannot write|is a file: give another name") as error:
            export_run(run.path, "depth", tmp_path / place, TWO, overwrite=True)
        assert "\n" not in str(error.value)


def test_a_file_is_replaced_whole(run, tmp_path):
    path, _ = export_run(run.path, "tum", tmp_path / "t.tum", {"frames": "0:4"})
    with pytest.raises(ExportError, match="exists already: give another name, or --overwrite"):
        export_run(run.path, "tum", path)
    assert len(np.loadtxt(export_run(run.path, "tum", path, overwrite=True).path)) == 23


def test_side_files_come_and_go_with_their_export(run, tmp_path):
    path, _ = export_run(run.path, "kitti", tmp_path / "k")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["all", "k", "k.json", "k.rows"]
    before = contents(tmp_path)
    with pytest.raises(ExportError, match="k exists already"):
        export_run(run.path, "kitti", path, {"frames": "0:2"})
    path.unlink()
    with pytest.raises(ExportError, match="k.rows exists already"):
        export_run(run.path, "kitti", path, {"frames": "0:2"})
    export_run(run.path, "kitti", path, overwrite=True)
    assert contents(tmp_path) == before
    with output_path(path, folder=False, overwrite=True, beside=(".rows", ".json")) as new:
        new.touch()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["all", "k"]


def test_side_files_never_take_the_place_of_an_input(run, tmp_path):
    film = tmp_path / "k.rows"
    film.touch()
    run.write_status({**run.read_status(), "input": {**run.read_status()["input"], "paths": [str(film)]}})
    with pytest.raises(ExportError, match="take the place of the input"):
        export_run(run.path, "kitti", tmp_path / "k", overwrite=True)
