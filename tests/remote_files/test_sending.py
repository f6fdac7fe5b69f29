"""A finished run is whole elsewhere or has no run.json there, and never suffers here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from da3_stream.errors import RemoteFilesError
from da3_stream.remote_files import asking, require_destination, send_run
from da3_stream.store import Run, create_run, lock_run

THERE = "memory://bucket/runs/drive"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run directory in state "finished" with a few files."""
    return finished(tmp_path / "drive")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits before it is tried again."""
    monkeypatch.setattr(asking, "PAUSES_S", (0.0,))


def finished(path: Path, started: str = "today") -> Run:
    run = create_run(path)
    run.write_status({"state": "finished", "started": started, "identity": {"input": started}})
    for name in ("windows/000000.npz", "cloud/000000.laz", "cloud.ply", "export/scene.glb", "export/.da3_stream"):
        file = run.path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(name.encode())
    (run.path / "export" / ".mesh.tmp.ply").write_bytes(b"not whole")
    (run.path / ".cloud.ply.tmp").write_bytes(b"not whole")
    return run


def files_there(memory: MemoryFileSystem, address: str = THERE) -> dict[str, bytes]:
    base = address.removeprefix("memory:/")
    return {name.removeprefix(f"{base}/"): memory.cat(name) for name in memory.find(base)}


@pytest.fixture
def puts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that were sent, in order; those of `refused` are not taken."""
    names: list[str] = []
    before = MemoryFileSystem.put_file

    def count(self: Any, here: str, there: str, **options: Any) -> None:
        names.append(there.rpartition("drive/")[2])
        before(self, here, there, **options)

    monkeypatch.setattr(MemoryFileSystem, "put_file", count)
    return names


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the network fail for files of a name."""
    before = MemoryFileSystem.put_file

    def refuse(name: str) -> None:
        def put(self: Any, here: str, there: str, **options: Any) -> None:
            if there.endswith(name) and name:
                raise ConnectionResetError("connection reset")
            before(self, here, there, **options)

        monkeypatch.setattr(MemoryFileSystem, "put_file", put)

    return refuse


def test_all_of_a_run_arrives_and_its_run_json_last(memory: MemoryFileSystem, run: Run, puts: list[str]) -> None:
    with lock_run(run):
        sent = send_run(run.path, THERE)
    kept = (".lock", ".mesh.tmp.ply", ".cloud.ply.tmp", "sent.jsonl")
    here = {path.relative_to(run.path).as_posix(): path for path in run.path.rglob("*") if path.is_file()}
    assert files_there(memory) == {name: path.read_bytes() for name, path in here.items() if path.name not in kept}
    assert puts[-1] == "run.json" and sent.new == sent.files == len(puts) == 7


def test_a_run_that_is_there_is_not_sent_again(memory: MemoryFileSystem, run: Run, puts: list[str]) -> None:
    send_run(run.path, THERE)
    puts.clear()
    assert send_run(run.path, THERE).new == 0 and puts == []


def test_what_changed_is_sent_again(memory: MemoryFileSystem, run: Run, puts: list[str]) -> None:
    send_run(run.path, THERE)
    (run.path / "cloud.ply").write_bytes(b"CLOUD.PLY")  # of the same size
    (run.path / "export/scene.glb").unlink()
    memory.pipe(f"{THERE}/cloud/000000.laz", b"spoilt there...")
    puts.clear()
    send_run(run.path, THERE)
    assert sorted(puts) == ["cloud.ply", "cloud/000000.laz", "run.json"]
    assert "export/scene.glb" not in files_there(memory) and files_there(memory)["cloud.ply"] == b"CLOUD.PLY"


def test_one_that_breaks_off_is_not_taken_for_whole_and_goes_on(
    memory: MemoryFileSystem, run: Run, refuse: Callable[[str], None]
) -> None:
    refuse("cloud.ply")
    with pytest.raises(RemoteFilesError, match=r"connection reset.*the run is whole in .*the same command sends"):
        send_run(run.path, THERE)
    assert "run.json" not in files_there(memory) and run.read_status()["state"] == "finished"
    refuse("")
    assert 0 < send_run(run.path, THERE).new < 7
    assert "run.json" in files_there(memory)


def test_a_line_of_the_record_that_a_kill_left_unfinished_does_no_harm(memory: MemoryFileSystem, run: Run) -> None:
    send_run(run.path, THERE)
    data = run.sent.path.read_bytes()
    run.sent.path.write_bytes(data[: len(data) - 9])
    assert send_run(run.path, THERE).new == 1
    assert send_run(run.path, THERE).new == 0


def test_without_the_record_a_run_s_own_files_are_sent_anew(memory: MemoryFileSystem, run: Run) -> None:
    send_run(run.path, THERE)
    run.sent.path.unlink()
    assert send_run(run.path, THERE).new == 7


def test_another_run_is_replaced_only_when_asked(memory: MemoryFileSystem, run: Run, tmp_path: Path) -> None:
    other = finished(tmp_path / "other", "yesterday")
    (other.path / "windows/000001.npz").write_bytes(b"longer")
    send_run(other.path, THERE)
    for ask in (lambda: send_run(run.path, THERE), lambda: require_destination(THERE, run.path)):
        with pytest.raises(RemoteFilesError, match="holds another run: give another address, or --overwrite"):
            ask()
    require_destination(THERE, run.path, overwrite=True)
    send_run(run.path, THERE, overwrite=True)
    assert "windows/000001.npz" not in files_there(memory)


def test_what_is_no_run_is_never_replaced(memory: MemoryFileSystem, run: Run) -> None:
    memory.pipe(f"{THERE}/thesis.pdf", b"")
    for overwrite in (False, True):
        with pytest.raises(RemoteFilesError, match="is not empty and no run .thesis.pdf.: give another address"):
            send_run(run.path, THERE, overwrite=overwrite)
    assert list(files_there(memory)) == ["thesis.pdf"]


def test_a_file_that_arrives_short_is_told(memory: MemoryFileSystem, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryFileSystem, "put_file", lambda self, here, there, **_: self.pipe_file(there, b"x"))
    with pytest.raises(RemoteFilesError, match="has not arrived whole"):
        send_run(run.path, THERE)


def test_a_run_that_goes_on_is_not_sent(memory: MemoryFileSystem, run: Run) -> None:
    run.write_status({"state": "interrupted"})
    with pytest.raises(RemoteFilesError, match="is no finished run .interrupted."):
        send_run(run.path, THERE)


def test_where_nobody_may_write_is_told_before_there_is_a_run(
    memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_destination(THERE, tmp_path / "new")
    assert not files_there(memory)

    def refuse(self: Any, path: str, value: bytes, **options: Any) -> None:
        raise PermissionError("Forbidden")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refuse)
    with pytest.raises(RemoteFilesError, match="cannot be written to: it may not be read or written .*Forbidden"):
        require_destination(THERE, tmp_path / "new")


def test_a_folder_of_this_machine_by_its_address(run: Run, tmp_path: Path) -> None:
    address = f"file://{tmp_path}/elsewhere/drive"
    send_run(run.path, address)
    assert (tmp_path / "elsewhere/drive/windows/000000.npz").read_bytes() == b"windows/000000.npz"
    assert send_run(run.path, address).new == 0
