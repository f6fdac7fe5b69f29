"""`--list` tells what an input holds, and does nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import pytest

from da3_stream import cli
from da3_stream.frames import open_source
from da3_stream.frames.listing import listing, listing_text
from da3_stream.settings import FramesSettings
from tests.worlds.clips import h264, shown


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Two recordings of a dashcam's front camera and one of its rear one; the second begins with frames of the
    first."""
    movie = tmp_path / "DCIM" / "Movie"
    h264(movie / "20240101_120000_NF.mp4", 0, 20)
    h264(movie / "20240101_120001_NF.mp4", 10, 20)
    h264(movie / "20240101_120000_NR.mp4", 0, 20, seed=1)
    return movie


def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["da3-stream", "run", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
        sys.exit(0)
    return int(end.value.code or 0), *capfd.readouterr()


@pytest.mark.slow
def test_a_card_is_listed_for_programs_and_nothing_is_run(
    card: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(card)
    status, out, _ = call(monkeypatch, capfd, str(card), "--list", "--json", "-o", str(card / "out"))
    facts = json.loads(out)
    assert (status, facts["kind"], facts["frames"], facts["size"]) == (0, "video", 30, [160, 120])
    first, second = facts["files"]
    assert (first["path"], first["start_s"], first["frames"]) == (str(card / "20240101_120000_NF.mp4"), 0, 20)
    assert (second["frames"], second["first_index"], second["repeated"], second["begins_shot"]) == (10, 20, 10, False)
    assert second["start_s"] == pytest.approx(2.0, abs=1e-3)
    assert facts["left_out"] == [{"path": str(card / "20240101_120000_NR.mp4"), "reason": "of the rear camera"}]
    assert not (card / "out").exists() and not (card / "runs").exists()


def test_a_card_is_listed_for_people(
    card: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = call(monkeypatch, capfd, str(card), "--list", "--camera", "rear")
    assert status == 0 and "20 frames of 160x120 at 10 a second, video" in out
    assert "0:00:00.000      20 frames" in out and "NF.mp4 (of the front camera)" in out
    assert call(monkeypatch, capfd, str(card), "--list", "--camera", "roof")[0] == 2
    assert call(monkeypatch, capfd, str(card), "--json")[0] == 2


@pytest.mark.slow
def test_what_is_listed_is_what_is_read(card: Path, tmp_path: Path) -> None:
    source = open_source(card, FramesSettings())
    listed = listing(source)["files"]
    list(source)
    read = [(file.path, file.first_index, file.frames, file.first_number) for file in source.files]
    assert read == [(file["path"], file["first_index"], file["frames"], file["repeated"]) for file in listed]
    assert [file["start_s"] for file in listed] == pytest.approx([file.start_s for file in source.files], abs=1e-3)


def test_images_are_one_row(tmp_path: Path) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), shown(i))
    facts = listing(open_source(tmp_path, FramesSettings()))
    assert [(file["path"], file["frames"]) for file in facts["files"]] == [(str(tmp_path), 3)]
    assert "3 frames of 160x120, images" in listing_text(facts)


def test_many_files_that_are_left_out_take_one_line(tmp_path: Path) -> None:
    h264(tmp_path / "clip.mp4", 0, 3)
    for k in range(8):
        cv2.imwrite(str(tmp_path / f"photo_{k}_{k * k}.jpg"), shown(k))
    text = listing_text(listing(open_source(tmp_path, FramesSettings())))
    assert f"left out: 8 files in {tmp_path}, photo_0_0.jpg to photo_7_49.jpg (a picture beside videos" in text


def test_one_frame_is_one(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.jpg"), shown(1))
    assert listing_text(listing(open_source(tmp_path / "photo.jpg", FramesSettings()))).startswith("1 frame of")
