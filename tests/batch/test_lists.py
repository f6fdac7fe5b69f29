"""A list of videos is read as it stands, and what is wrong with it is one sentence before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from da3_stream.batch import Video, is_list, read_list
from da3_stream.cli.words import options_of_run, words_of
from da3_stream.errors import BatchError, SettingsError


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """The videos of a list with this text, in a folder with a few files."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.mp4", "c d.mp4", "ü.mp4"):
        Path(name).touch()

    def read(text: str | bytes, *options: str) -> list[Video]:
        Path("list.csv").write_bytes(text.encode() if isinstance(text, str) else text)
        return read_list(Path("list.csv"), options, options_of_run)

    return read


def test_columns_in_any_order_with_options_of_all_before_those_of_a_row(read) -> None:
    text = (
        "priority,options,Input,out\n2,--fps 5 --set 'windows.size=30',a.mp4,x/first\n\n,,b.mp4,\n-1.5,,c d.mp4,./y/\n"
    )
    first, second, third = read(text, "--fps=3", "--quality=fast")
    assert (first.inputs, first.name, first.priority) == (("a.mp4",), "x/first", 2.0)
    assert first.options == ("--fps=3", "--quality=fast", "--fps", "5", "--set", "windows.size=30")
    assert (first.settings.frames.fps, first.settings.windows.size) == (5, 30)
    assert (second.name, second.priority, second.settings.frames.fps) == ("b", 0.0, 3)
    assert (third.input, third.name, third.priority) == ("c d.mp4", "y", -1.5)


def test_lists_of_spreadsheets(read) -> None:
    (video,) = read("\ufeffinput;options\r\nü.mp4;--set cloud.format=laz\r\n")
    assert video.name == "ü" and video.settings.cloud.format == "laz"
    assert [video.name for video in read("input\tout\na.mp4\tdrive, the first\n")] == ["drive, the first"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "list.csv has no column 'input': its first row names the columns, of input, out, priority, options"),
        ("a.mp4\nb.mp4\n", "list.csv has no column 'input'"),
        ("input,speed\na.mp4,3\n", "list.csv has the column 'speed' that is not known"),
        ("input,input\na.mp4,a.mp4\n", "list.csv has the column 'input' that is not known or there twice"),
        ("input\n", "list.csv lists no video"),
        ("input\na.mp4\n\ngone.mp4\n", "list.csv, row 4: there is no video, image or folder 'gone.mp4'"),
        ("input,out\na.mp4,\n,x\n", "list.csv, row 3: the input is empty"),
        ("input,out\na.mp4,x\nb.mp4,./x\n", "list.csv, row 3: 'x' is the directory of row 2, too"),
        ("input,out\na.mp4,b\nb.mp4,\n", "list.csv, row 3: without an out it has the directory 'b' of row 2, too"),
        ("input\na.mp4\na.mp4\n", "list.csv, row 3: without an out it has the directory"),
        (f"input,out\na.mp4,{'x' * 300}\n", "list.csv, row 2: out has more than 200 bytes"),
        ("input\na.mp4\0\n", "the list list.csv is not text: it holds a byte 0"),
        ("input,options\na.mp4,--help\n", "list.csv, row 2: no options of 'da3-stream run': No such option: --help"),
        ("input,options\na.mp4,--engine ray\n", "list.csv, row 2: --engine is for a run by itself"),
        ("input,out\na.mp4,x/y\nb.mp4,x\n", "list.csv, row 2: 'x/y' lies in the directory of row 3"),
        ("input,out\na.mp4,../x\n", "list.csv, row 2: out '../x' must lie in the directory of the batch"),
        ("input,out\na.mp4,/tmp/x\n", "list.csv, row 2: out '/tmp/x' must lie in the directory of the batch"),
        ("input,out\na.mp4,y/..\n", "list.csv, row 2: out 'y/..' must lie in the directory of the batch"),
        ("input,out\na.mp4,summary.json\n", "list.csv, row 2: out 'summary.json' is a name that the batch keeps"),
        ("input,priority\na.mp4,high\n", "list.csv, row 2: the priority 'high' is no number"),
        ("input,priority\na.mp4,nan\n", "list.csv, row 2: the priority 'nan' is no number"),
        ("input,options\na.mp4,--fsp 3\n", "list.csv, row 2: no options of 'da3-stream run': No such option: --fsp"),
        ("input,options\na.mp4,--set a.b=3\n", "list.csv, row 2: unknown setting 'a'"),
        ("input,options\na.mp4,--fps many\n", "list.csv, row 2: setting frames.fps"),
        ("input,options\na.mp4,-o x\n", "list.csv, row 2: --out is for a run by itself: leave it out"),
        ("input,options\na.mp4,b.mp4\n", "list.csv, row 2: 'b.mp4' is no option of 'da3-stream run'"),
        ("input,options\na.mp4,--export nothing\n", "list.csv, row 2: there is no export format 'nothing'"),
        ("input,options\na.mp4,--set 'x\n", "list.csv, row 2: No closing quotation"),
        ("input\na.mp4,--fps 3\n", "list.csv, row 2: it has more cells than there are columns"),
        (b"input\n\xff\xfe.mp4\n", "the list list.csv is not text in UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(read, text: str | bytes, sentence: str) -> None:
    with pytest.raises(BatchError) as error:
        read(text)
    assert str(error.value).startswith(sentence)


def test_a_list_stands_alone(tmp_path: Path) -> None:
    assert is_list(["list.CSV"]) and not is_list(["a.mp4", "b.mp4"])
    with pytest.raises(BatchError, match=r"'x\.csv' is a list: give it alone"):
        is_list(["a.mp4", "x.csv"])
    with pytest.raises(BatchError, match="cannot read the list"):
        read_list(tmp_path / "none.csv", (), options_of_run)


def test_options_come_back_as_the_words_that_give_them() -> None:
    given = {"fps": "5", "mask": ["off", "m.png"], "undistorted": 3, "assignments": ["a.b=1"], "allow_empty": True}
    given |= {"gaussians": True}
    words = words_of({**given, "quality": None, "exports": ["tum"], "with_changes": False, "verbose": True})
    assert words == [
        "--mask=off",
        "--mask=m.png",
        "--fps=5",
        "--gaussians",
        "--set=a.b=1",
        "--export=tum",
        "--allow-empty",
    ]
    assert options_of_run(["--gaussians"]).splats.gaussians and not options_of_run([]).splats.gaussians
    assert options_of_run(["--intrinsics=584,584,320,240"]).camera.intrinsics is not None
    with pytest.raises(SettingsError, match="--json-log is for a run by itself"):
        options_of_run(["--json-log=x"])
