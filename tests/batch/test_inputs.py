"""Which videos the arguments of a batch stand for, and what their directories are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from da3_stream.batch import videos_of
from da3_stream.batch.videos import out_names
from da3_stream.errors import Da3StreamError
from da3_stream.frames import inputs_apart
from da3_stream.settings import Settings


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a.mp4", "b.mov", "notes.txt"], [["a.mp4"], ["b.mov"]]),
        (["only.mp4"], [["only.mp4"]]),
        (["GH010042.MP4", "GH020042.MP4", "GH010043.MP4"], [["GH010042.MP4", "GH020042.MP4"], ["GH010043.MP4"]]),
        (["DCIM/100GOPRO/GH010042.MP4", "DCIM/100GOPRO/GH010043.MP4"], [["."]]),  # a card, as its camera left it
        ([f"2026_0501_0930{second:02d}.MP4" for second in (0, 20, 40)], [["."]]),  # a dashcam's pieces
        ([f"VID_20260501_{time}.mp4" for time in ("093000", "141205", "180000")], 3),  # a telephone's
        (["2026_0501_093000F.MP4", "2026_0501_093000R.MP4"], [["."]]),  # two cameras at once
        (["one/a.mp4", "one/b.mp4", "two/c.mp4"], [["one/a.mp4"], ["one/b.mp4"], ["two/c.mp4"]]),
        ([f"frame_{number:04d}.png" for number in range(12)], [["."]]),
    ],
)
def test_a_folder(tmp_path: Path, files: Sequence[str], expected: Sequence[Sequence[str]] | int) -> None:
    found = inputs_apart(str(touch(tmp_path, *files)))
    if isinstance(expected, int):
        assert [len(names) for names in found] == [1] * expected
    else:
        assert found == [tuple(str(tmp_path / name) for name in names) for names in expected]


def test_a_pattern_is_what_it_matches_and_pictures_are_one(tmp_path: Path) -> None:
    touch(tmp_path, "b2.mp4", "b10.mp4", "walk/1.png", "walk/2.png", "p1.jpg", "p2.jpg")
    assert inputs_apart(f"{tmp_path}/b*") == [(f"{tmp_path}/b2.mp4",), (f"{tmp_path}/b10.mp4",)]
    assert inputs_apart(f"{tmp_path}/*.jpg") == [(f"{tmp_path}/*.jpg",)]
    assert inputs_apart(f"{tmp_path}/w*") == [(f"{tmp_path}/walk",)]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("gone.mp4", "there is no video, image or folder 'gone.mp4': check the path"),
        ("no*.mp4", "no file matches 'no*.mp4': check the pattern"),
        ("-", "'-' is live input"),
        ("rtsp://camera/1", "'rtsp://camera/1' is live input"),
        ("p1.png", "'p1.png' is one picture: give the folder"),
        ("empty", "'empty' holds no video and no image"),
        ("", "there is no video, image or folder ''"),
    ],
)
def test_what_is_no_video_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, sentence: str
) -> None:
    monkeypatch.chdir(touch(tmp_path, "p1.png", "empty/notes.txt"))
    with pytest.raises(Da3StreamError) as error:
        inputs_apart(name)
    assert str(error.value).startswith(sentence)


def test_an_address_is_left_to_its_run() -> None:
    assert inputs_apart("https://example.org/a.mp4") == [("https://example.org/a.mp4",)]


def test_directories_are_called_as_briefly_as_tells_them_apart() -> None:
    inputs = ["/in/a.mp4", "/in/b.mp4", "/in/b.mov", "/x/c.mp4", "/y/c.mp4", "/in/d.tar.mkv", "/in/.mp4", "/in/e/*.png"]
    assert out_names(inputs) == ["a", "b_mp4", "b_mov", "x_c_mp4", "y_c_mp4", "d.tar", "mp4", "e"]
    assert out_names(["http://h.org/a.mp4?token=5", "http://h.org/b.mp4?token=5"]) == ["a", "b"]
    long = out_names([f"/{'ü' * 120}{end}.mp4" for end in "ab"])
    assert len(set(long)) == 2 and max(len(name.encode()) for name in long) <= 200
    assert out_names(["/summary.json.mp4", "s3://bucket/drive.mp4"]) == ["summary.json_", "drive"]


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "\udcff.mp4").touch()
    with pytest.raises(Da3StreamError, match=r"udcff.mp4' is no text in UTF-8: rename the file"):
        videos_of([str(tmp_path)], (), lambda words: Settings())


def test_a_video_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b.mp4")
    with pytest.raises(Da3StreamError, match=r"a\.mp4' is given twice"):
        videos_of([str(tmp_path / "a.mp4"), str(tmp_path)], (), lambda words: Settings())
