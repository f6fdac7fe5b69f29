"""Remote inputs are copied once, whole, and go when they are of no use any more."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from da3_stream.errors import RemoteFilesError
from da3_stream.remote_files import asking, copies_folder, fetching, is_remote, local_copies, without_password
from da3_stream.remote_files.fetching import part_of
from da3_stream.types import CopiedInput

DRIVE = "memory://bucket/drive.mp4"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the files whose bytes were asked for."""
    names: list[str] = []
    before = MemoryFileSystem._open

    def count(self: Any, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode == "rb":
            names.append(path)
        return before(self, path, mode, **options)

    monkeypatch.setattr(MemoryFileSystem, "_open", count)
    return names


def here(source: Any, run: Path, **options: Any) -> list[str]:
    """What is opened instead, with the copies still there."""
    with local_copies(source, run, keep=True, **options) as copied:
        return list(copied.names)


@pytest.mark.parametrize("name", ["drive.mp4", "rtsp://camera/1", "http://host/drive.mp4", "0", "foo://x/y", "s3://"])
def test_what_is_no_remote_file_stays_as_it_is(name: str, tmp_path: Path) -> None:
    with local_copies(name, tmp_path / "run") as source:
        assert source == name
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("protocol", ["s3", "gs", "az", "memory", "sftp", "file"])
def test_protocols_of_fsspec_are_remote(protocol: str) -> None:
    assert is_remote(f"{protocol}://bucket/drive.mp4")


def test_a_password_is_not_told() -> None:
    assert without_password("sftp://me:secret@host/drive.mp4") == "sftp://me@host/drive.mp4"
    assert without_password("abfs://box@account.dfs.net/drive.mp4") == "abfs://box@account.dfs.net/drive.mp4"


def test_a_file_is_here_in_the_block_and_gone_after_it(memory: MemoryFileSystem, tmp_path: Path) -> None:
    memory.pipe(DRIVE, b"frames")
    with local_copies(DRIVE, tmp_path / "run") as copied:
        (name,) = copied.names
        assert Path(name).read_bytes() == b"frames" and Path(name).name == "drive.mp4"
        assert list(copied.addresses) == [DRIVE] and copied.as_given(f"{name} and 2 more") == f"{DRIVE} and 2 more"
    assert not copies_folder(tmp_path / "run").exists()


def test_a_block_that_breaks_off_leaves_the_copies_and_nothing_is_read_twice(
    memory: MemoryFileSystem, tmp_path: Path, opened: list[str]
) -> None:
    memory.pipe(DRIVE, b"frames")
    with pytest.raises(KeyboardInterrupt), local_copies(DRIVE, tmp_path / "run"):
        raise KeyboardInterrupt
    here(DRIVE, tmp_path / "run")
    assert opened == ["/bucket/drive.mp4"]


def test_a_folder_and_a_pattern_give_what_lies_there(memory: MemoryFileSystem, tmp_path: Path) -> None:
    for name in ("walk/1.png", "walk/2.png", "walk/masks/1.png", "walk/.hidden/3.png", "walk/run/run.json", "4.png"):
        memory.pipe(f"memory://bucket/{name}", name.encode())
    (folder,) = here("memory://bucket/walk", tmp_path / "run")
    found = sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())
    assert found == ["1.png", "2.png", "masks/1.png"]
    (pattern,) = here("memory://bucket/walk/*.png", tmp_path / "[odd]")
    import glob

    assert sorted(Path(path).name for path in glob.glob(pattern)) == ["1.png", "2.png"]


def test_files_of_one_folder_lie_in_one_folder_beside_local_ones(memory: MemoryFileSystem, tmp_path: Path) -> None:
    for name in ("GX010042.MP4", "GX020042.MP4"):
        memory.pipe(f"memory://card/{name}", name.encode())
    first, second, local = here(["memory://card/GX010042.MP4", "memory://card/GX020042.MP4", "x.mp4"], tmp_path / "run")
    assert Path(first).parent == Path(second).parent and local == "x.mp4"


def test_a_part_is_gone_on_with(memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.pipe(DRIVE, b"0123456789")
    pieces: list[bytes] = []
    write = fetching._write

    def broken(file: Any, piece: bytes) -> None:
        if len(pieces) == 2:
            raise KeyboardInterrupt
        pieces.append(piece)
        write(file, piece)

    monkeypatch.setattr(fetching, "PIECE", 3)
    monkeypatch.setattr(fetching, "_write", broken)
    with pytest.raises(KeyboardInterrupt):
        here(DRIVE, tmp_path / "run")
    (part,) = (path for path in copies_folder(tmp_path / "run").rglob("*.part"))
    assert part.read_bytes() == b"012345" and not part.with_name("drive.mp4").exists()
    monkeypatch.setattr(fetching, "_write", lambda file, piece: (pieces.append(piece), write(file, piece)))
    (name,) = here(DRIVE, tmp_path / "run")
    assert Path(name).read_bytes() == b"0123456789" and pieces == [b"012", b"345", b"678", b"9"]


def test_a_part_of_another_file_is_thrown_away(memory: MemoryFileSystem, tmp_path: Path) -> None:
    memory.pipe(DRIVE, b"old one")
    path = Path(here(DRIVE, tmp_path / "run")[0])
    part_of(path).write_bytes(b"ol")
    path.unlink()
    memory.pipe(DRIVE, b"new one")
    assert Path(here(DRIVE, tmp_path / "run")[0]).read_bytes() == b"new one"


def test_a_changed_file_is_noticed_by_a_run_that_has_begun(memory: MemoryFileSystem, tmp_path: Path) -> None:
    run = tmp_path / "run"
    memory.pipe(DRIVE, b"frames")
    here(DRIVE, run)
    memory.pipe(DRIVE, b"others")  # of the same size
    run.mkdir()
    (run / "run.json").write_text("{}")
    with pytest.raises(RemoteFilesError, match="is another file now than when the run began.*--overwrite"):
        here(DRIVE, run)
    assert Path(here(DRIVE, run, overwrite=True)[0]).read_bytes() == b"others"


def test_a_file_that_is_gone_from_a_folder_is_no_part_of_a_new_run(memory: MemoryFileSystem, tmp_path: Path) -> None:
    for name in ("1.png", "2.png"):
        memory.pipe(f"memory://walk/{name}", b"x")
    here("memory://walk", tmp_path / "run")
    memory.rm("/walk/2.png")
    (folder,) = here("memory://walk", tmp_path / "run")
    assert [path.name for path in Path(folder).iterdir()] == ["1.png"]


@pytest.mark.parametrize("address", [DRIVE, "memory://bucket/*.mp4", "memory://bucket"])
def test_nothing_there_is_one_sentence(address: str, memory: MemoryFileSystem, tmp_path: Path) -> None:
    with pytest.raises(RemoteFilesError, match="there is no file .*check the address"):
        here(address, tmp_path / "run")


def test_a_path_that_leads_upwards_is_refused(memory: MemoryFileSystem, tmp_path: Path) -> None:
    memory.store["/a/../b.mp4"] = memory.open("memory://x", "wb")
    with pytest.raises(RemoteFilesError):
        here("memory://a/../b.mp4", tmp_path / "run")


def test_a_small_disk_is_told_before_anything_is_fetched(
    memory: MemoryFileSystem, tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe(DRIVE, bytes(3_000_000))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(RemoteFilesError, match="needs 3 MB more on the disk of .*has 1 MB free"):
        here(DRIVE, tmp_path / "run")
    assert opened == []


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(RemoteFilesError, match=r"pip install 'da3_stream\[s3\]'"):
        here("s3://bucket/drive.mp4", tmp_path / "run")


def test_the_network_is_asked_again_and_then_told(
    memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError("connection reset"), TimeoutError("slow"), None])
    info = MemoryFileSystem.info

    def flaky(self: Any, path: str, **options: Any) -> Any:
        if (error := next(failures, None)) is not None:
            raise error
        return info(self, path, **options)

    monkeypatch.setattr(asking, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(MemoryFileSystem, "info", flaky)
    memory.pipe(DRIVE, b"frames")
    assert Path(here(DRIVE, tmp_path / "run")[0]).read_bytes() == b"frames"
    failures = iter([OSError("connection reset")] * 9)
    with pytest.raises(RemoteFilesError, match="cannot be read: connection reset"):
        here(DRIVE, tmp_path / "run")


def test_copies_that_another_process_uses_stay(memory: MemoryFileSystem, tmp_path: Path) -> None:
    memory.pipe(DRIVE, b"frames")
    with local_copies(DRIVE, tmp_path / "run"):
        with local_copies(DRIVE, tmp_path / "run") as copied:
            assert isinstance(copied, CopiedInput)
        assert Path(copied.names[0]).exists()
    assert not copies_folder(tmp_path / "run").exists()


def test_what_moves_is_stopped_by_the_first_error(
    memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe("memory://walk/long.mp4", bytes(1000))
    memory.pipe("memory://walk/broken.mp4", b"x")
    begun, pieces = threading.Event(), []
    append = fetching._append

    def slow(file: Any, here_: Any, told: Any) -> None:
        if file.path.endswith("broken.mp4"):
            begun.wait(10)
            raise PermissionError("Forbidden")
        append(file, here_, lambda count: (begun.set(), time.sleep(0.01), pieces.append(count), told(count)))

    monkeypatch.setattr(fetching, "PIECE", 1)
    monkeypatch.setattr(fetching, "_append", slow)
    with pytest.raises(RemoteFilesError, match="Forbidden"):
        here("memory://walk", tmp_path / "run")
    assert 0 < len(pieces) < 1000
