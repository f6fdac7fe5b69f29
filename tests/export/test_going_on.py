"""A folder of files that was interrupted goes on where it stopped, and is the same as one that was not."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from da3_stream import cli
from da3_stream.errors import ExportError
from da3_stream.export import estimate, exporting
from da3_stream.export.exporting import export_run
from da3_stream.export.formats import FORMATS
from da3_stream.export.progress import Call
from da3_stream.reconstruction import Reconstruction
from da3_stream.store import Run, RunReader
from tests.worlds.gated_run import gated_run

FORMS = {
    "depth": {},
    "depth_vis": {},
    "nerfstudio": {"resolution": "model"},
    "colmap": {"resolution": "model"},
    "3dgs": {"resolution": "model"},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return gated_run(tmp_path, sky=True)


class Stop:
    """Interrupts an export when so many frames are done."""

    def __init__(self, after: int, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.after, self.error, self.told = after, error, []

    def __call__(self, done: int, of: int) -> None:
        self.told.append((done, of))
        if done == self.after:
            raise self.error


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def interrupt(run: Run, form: str, place: Path, after: int = 4, **options: object) -> Path:
    with pytest.raises(KeyboardInterrupt):
        export_run(run.path, form, place, {**FORMS[form], **options}, progress=Stop(after))
    return place.with_name(f".{place.name}.tmp")


def written_since(folder: Path, before: dict[str, int]) -> list[str]:
    now = {str(p.relative_to(folder)): p.stat().st_ino for p in folder.rglob("*") if p.is_file()}
    return sorted(name for name, inode in now.items() if before.get(name) != inode)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_what_was_interrupted_goes_on_and_has_the_same_bytes(run, tmp_path, form):
    whole, said = export_run(run.path, form, tmp_path / "whole", FORMS[form])
    left = interrupt(run, form, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    before = {str(p.relative_to(left)): p.stat().st_ino for p in left.rglob("*") if p.is_file()}
    told = Stop(-1)
    folder, summary = export_run(run.path, form, tmp_path / "out", FORMS[form], progress=told)
    assert contents(folder) == contents(whole) and summary == said and not left.exists()
    pictures = [name for name in before if not name.startswith((".", "depths/"))]  # depths: beside the tracks
    assert len(pictures) >= 4 and not set(pictures) & set(written_since(folder, before))
    first = 0 if form in ("colmap", "3dgs") else 4  # tracks are sought through all pictures again
    assert told.told[0][0] == first and told.told[-1][0] == told.told[-1][1]


def test_other_options_and_another_state_of_the_run_begin_anew(run, tmp_path):
    for change in ("options", "status"):
        left = interrupt(run, "depth", tmp_path / change)
        (left / "depth" / "000.tiff").write_bytes(b"of before")
        if change == "status":
            run.write_status({**run.read_status(), "started": "another time"})
        told = Stop(-1)
        options = {"with_sky": change == "status"}
        folder, _ = export_run(run.path, "depth", tmp_path / change, options, progress=told)
        assert told.told[0] == (0, 12) and len((folder / "depth" / "000.tiff").read_bytes()) > 100


def test_what_is_half_written_is_never_taken_for_whole(run, tmp_path):
    whole, _ = export_run(run.path, "depth", tmp_path / "whole")
    left = interrupt(run, "depth", tmp_path / "out")
    (left / "depth" / "008.tiff").write_bytes(b"of a frame that is not listed")
    (left / "depth" / ".depth.json.tmp").touch()
    (left / "confidence" / "004.tiff").write_bytes(b"")  # as after a cut of the power
    told = Stop(-1)
    folder, _ = export_run(run.path, "depth", tmp_path / "out", progress=told)
    assert contents(folder) == contents(whole) and told.told[0] == (2, 12)


def test_a_log_that_is_damaged_begins_anew(run, tmp_path):
    whole, _ = export_run(run.path, "depth", tmp_path / "whole")
    left = interrupt(run, "depth", tmp_path / "out")
    text = (left / ".frames.jsonl").read_text()
    (left / ".frames.jsonl").write_text(text.replace("size", "sise", 1))
    folder, _ = export_run(run.path, "depth", tmp_path / "out")
    assert contents(folder) == contents(whole)


def test_an_error_leaves_nothing(run, tmp_path):
    with pytest.raises(ExportError, match="cannot write .*out: "):
        export_run(run.path, "depth", tmp_path / "out", progress=Stop(4, OSError))
    assert not list(tmp_path.glob("*out*")) + list(tmp_path.glob(".out*"))


def test_two_processes_do_not_write_one_folder(run, tmp_path):
    class Second:
        def __call__(self, done: int, of: int) -> None:
            if done == 3:
                with pytest.raises(ExportError, match="another process is writing .*out.tmp: wait for it"):
                    export_run(run.path, "depth", tmp_path / "out", overwrite=True)

    folder, _ = export_run(run.path, "depth", tmp_path / "out", progress=Second())
    assert len(list((folder / "depth").iterdir())) == 12


def test_an_export_that_the_disk_cannot_hold_is_refused_before_it_begins(run, tmp_path, monkeypatch):
    monkeypatch.setattr(estimate.shutil, "disk_usage", lambda _: SimpleNamespace(free=10_000))
    for form in FORMS:
        with pytest.raises(
            ExportError, match=r"the disk of .* is short: the export may take \d+ MB, and 0 MB are free; "
        ):
            export_run(run.path, form, tmp_path / "out", FORMS[form])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input", "run"]


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_what_is_told_before_is_at_least_what_is_taken(run, tmp_path, form):
    options = FORMATS[form].options.model_validate(FORMS[form])
    told = estimate.estimate_export(RunReader.open(run.path), options, tmp_path)
    folder, _ = export_run(run.path, form, tmp_path / "out", FORMS[form])
    taken = sum(path.stat().st_size for path in folder.rglob("*"))
    assert told.frames == 24 and taken < told.bytes < 60 * taken + 3_000_000


def test_pictures_that_are_linked_take_nothing(run, tmp_path):
    reader = exporting.RunReader.open(run.path)
    options = exporting._checked_options(
        "nerfstudio", exporting.FORMATS["nerfstudio"], {"depth": False, "max_points": 1}
    )
    assert estimate.estimate_export(reader, options, tmp_path).bytes < 24 * 500


def test_people_see_a_bar_with_the_time_left(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exporting, "WORTH_TELLING", 0)
    Reconstruction(run.path).export("depth", tmp_path / "out", progress=True)
    shown = capsys.readouterr().err
    assert "to do: 24 frames, at most " in shown and "depth maps 12/12 frames, " in shown and " 0 s left" in shown


def test_a_program_is_called_for_every_frame(run, tmp_path):
    calls: list[tuple[int, int]] = []
    Reconstruction(run.path).export("depth_vis", tmp_path / "v", progress=lambda done, of: calls.append((done, of)))
    assert calls == [(k, 24) for k in range(25)]


def test_the_command_line_says_that_it_goes_on(run, tmp_path, monkeypatch, capsys):
    words = ["da3-stream", "export", str(run.path), "--format", "depth", "-o", str(tmp_path / "out"), "-q"]
    monkeypatch.setattr(sys, "argv", words)
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr(exporting, "progress_of", lambda *_: Call(Stop(4)))
        cli.main()
    said = "error: interrupted; the same command goes on where it stopped\n"
    assert end.value.code == 130 and capsys.readouterr().err == said
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().out.endswith("out: 12 depth maps, 12 frames have none\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input", "out", "run"]
