"""`da3-stream run` from one address to another: the same run as from a disk to a disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from da3_stream.export.exporting import export_run
from da3_stream.predictors import sfm
from tests.worlds.street_predictor import StandIn, pictures

WALK, THERE = "memory://bucket/walk", "memory://results/walk"
FRAMES = 16  # two windows
WORDS = ("--set", "windows.size=12", "--set", "windows.overlap=4", "--set", "loops.descriptor=off", "--gate", "off")
OF_THE_MACHINE = ("log.txt", "journal.jsonl", "run.json", "report.html", "input.json", "windows.jsonl", "tip.npz")


@pytest.fixture
def walk(memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images elsewhere, the same on a disk, and the stand-in as the predictor."""
    monkeypatch.setattr(sfm, "SfmPredictor", lambda **_: StandIn())
    folder = tmp_path / "disk" / "walk"
    folder.mkdir(parents=True)
    for number, image in enumerate(pictures(FRAMES)):
        data = cv2.imencode(".png", image)[1].tobytes()
        (folder / f"{number}.png").write_bytes(data)
        memory.pipe(f"{WALK}/{number}.png", data)
    return folder


@pytest.mark.slow
def test_from_and_to_an_address_gives_the_files_of_a_disk(walk: Path, memory: Any, call: Callable) -> None:
    status, said, told = call("run", WALK, "-o", THERE, "--work", "live", "--export", "tum", *WORDS)
    assert status == 0 and f"{THERE}: " in said, told
    assert call("run", str(walk), "-o", "local", "--export", "tum", *WORDS)[0] == 0
    sent = {name.removeprefix("/results/walk/"): memory.cat(name) for name in memory.find("/results/walk")}
    local = {path.relative_to("local").as_posix(): path for path in Path("local").rglob("*") if path.is_file()}
    same = [name for name in local if Path(name).name not in (*OF_THE_MACHINE, ".lock", "frames.csv")]
    assert len(same) > 10 and {"export/trajectory.tum", "cloud.ply", "scene.json"} <= set(same)
    assert {name: sent[name] for name in same} == {name: local[name].read_bytes() for name in same}
    assert sent["frames.csv"].decode() == local["frames.csv"].read_text().replace(str(walk), WALK)
    run = json.loads(sent["run.json"])
    assert run["input"]["paths"] == [WALK] and run["input"]["name"] == WALK
    assert run["identity"] == json.loads(Path("local/run.json").read_text())["identity"]
    assert not Path("live.input").exists()


@pytest.mark.slow
def test_a_run_that_is_cut_short_goes_on_with_the_same_copies(
    walk: Path,
    memory: Any,
    call: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(first: int, geometry: Any) -> Any:
        if first > 0:
            raise KeyboardInterrupt
        return geometry

    monkeypatch.setattr(sfm, "SfmPredictor", lambda **_: StandIn(stop))
    assert call("run", WALK, "-o", THERE, "--work", "live", *WORDS)[0] == 130
    assert Path("live.input/memory/bucket/walk/0.png").exists() and not memory.find("/results/walk")
    opened: list[str] = []
    before = MemoryFileSystem._open
    monkeypatch.setattr(
        MemoryFileSystem,
        "_open",
        lambda self, path, *rest, **o: (opened.append(path), before(self, path, *rest, **o))[1],
    )
    monkeypatch.setattr(sfm, "SfmPredictor", lambda **_: StandIn())
    status, _, said = call("run", WALK, "-o", THERE, "--work", "live", "--export", "gpx", *WORDS)
    assert status == 2 and "the map is not located" in said  # the run is sent all the same
    assert not [path for path in opened if path.endswith(".png") and path.startswith("/bucket")]
    assert not Path("live.input").exists() and memory.exists("/results/walk/run.json")


@pytest.mark.slow
def test_an_export_fetches_the_input_again_and_leaves_no_copy(walk: Path, memory: Any, call: Callable) -> None:
    assert call("run", WALK, "-o", "live", *WORDS)[0] == 0
    folder = export_run(Path("live"), "colmap", options={"resolution": "input"}).path
    assert len(list(folder.rglob("*.png"))) == FRAMES and not Path("live.input").exists()
    memory.rm("/bucket", recursive=True)
    status, _, said = call("export", "live", "--format", "colmap", "--resolution", "input", "--overwrite")
    assert status == 2 and f"the input of live cannot be read again (there is no file '{WALK}'" in said


def test_bad_addresses_are_one_sentence(walk: Path, memory: Any, call: Callable) -> None:
    for words, sentence in (
        ((f"{WALK}.mp4",), "there is no file 'memory://bucket/walk.mp4'"),
        ((WALK, "-o", "http://server/runs"), "is no address that can be written to"),
        ((WALK, "-o", "live", "--work", "live"), "--work is for a run that goes to an address"),
    ):
        status, _, said = call("run", *words)
        assert status == 2 and sentence in said and "Traceback" not in said
    assert not memory.find("/results")
