"""Times of pictures: from lists, names and EXIF data, else an even pace; whatever was assumed is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from da3_stream.errors import FramesError
from da3_stream.frames import FrameSource, open_source
from da3_stream.frames.sources.times.names import frame_numbers, times_in_names
from da3_stream.frames.sources.times.stamps import read_date, seconds
from da3_stream.settings import FramesSettings
from da3_stream.types import AdviceCode
from tests.frames.conftest import number_of

Write = Callable[..., Path]
UNIX = 1_403_636_579_763_555_584  # ns, as EuRoC writes them
STEP = 50_000_000
EXACT = [UNIX + STEP * i + 7 * i * i for i in range(6)]


def opened(source: object, **settings: object) -> tuple[list[float], FrameSource]:
    found = open_source(source, FramesSettings(**settings))  # type: ignore[arg-type]
    frames = list(found)
    assert found.expected == len(frames)
    return [frame.timestamp for frame in frames], found


def said(source: FrameSource) -> str:
    return "; ".join(advice.text for advice in source.advice if advice.code is AdviceCode.INPUT_TIMES)


def refusal(source: object, **settings: object) -> str:
    with pytest.raises(FramesError) as caught:
        opened(source, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "divisor"),
    [
        ("{}.png", 1),
        ("cam0_{}.jpg", 1),
        ("{}-left.png", 1),
        ("{}.png", 1000),
        ("frame{}.jpg", 1000),
        ("{}.png", 1_000_000),
    ],
)
def test_names_in_whole_units_since_1970_are_times(write_images: Write, name: str, divisor: int) -> None:
    exact = [UNIX // divisor + STEP // divisor * i for i in range(5)]
    times, source = opened(write_images([name.format(time) for time in exact]))
    np.testing.assert_allclose(times, [time * divisor / 1e9 for time in exact], rtol=0, atol=3e-7)
    assert [source.nanoseconds(i) for i in range(5)] == [time * divisor for time in exact]
    assert source.has_times and source.fps == pytest.approx(20, rel=1e-5)
    assert said(source).startswith("the times are those in the pictures' names, such as ")


@pytest.mark.parametrize(
    "names",
    [
        ["1341845688.562012.png", "1341845688.593.png", "1341845688.7.png"],
        ["rgb-1341845688.562012.jpg", "rgb-1341845688.593000.jpg", "rgb-1341845688.700000.jpg"],
        ["1341845688_562012000.png", "1341845688_593000000.png", "1341845688_700000000.png"],
    ],
)
def test_names_in_seconds_are_times(write_images: Write, names: list[str]) -> None:
    times, source = opened(write_images(names))
    assert times == [1341845688.562012, 1341845688.593, 1341845688.7]
    assert source.nanoseconds(0) == 1341845688562012000


def test_names_in_seconds_of_another_clock_are_times(write_images: Write) -> None:
    times, _ = opened(write_images(["0.000000.png", "0.033333.png", "12.500000.png"]))
    assert times == [0.0, 0.033333, 12.5]


@pytest.mark.parametrize(
    "names",
    [
        ["IMG_20260501_093000.jpg", "IMG_20260501_093002.jpg", "IMG_20260501_093100.jpg"],
        ["2026-05-01_09-30-00.png", "2026-05-01_09-30-02.png", "2026-05-01_09-31-00.png"],
        ["PXL_20260501_093000000.jpg", "PXL_20260501_093002000.jpg", "PXL_20260501_093100000.jpg"],
    ],
)
def test_names_that_are_dates_are_times(write_images: Write, names: list[str]) -> None:
    times, _ = opened(write_images(names))
    assert np.subtract(times, times[0]).tolist() == [0, 2, 60]


@pytest.mark.parametrize(
    "stems",
    [
        ["0000000001", "0000000002"],
        ["1.001", "1.002"],
        ["1341845688.5", "b1341845688.6"],
        ["12345678901234", "12345678934567"],
        ["315966070522893320"],
        ["2026050109", "2026050110"],
        ["20269901_093000", "20269901_093001"],
        ["a", "b"],
    ],
)
def test_names_that_are_not_plainly_times_are_none(stems: list[str]) -> None:
    assert times_in_names(stems) is None


@pytest.mark.parametrize("stem", ["ring_{}", "{}"])
@pytest.mark.parametrize("first", [315966070522893320, 12345678901234])
def test_long_numbers_in_steps_of_frames_are_nanoseconds(stem: str, first: int) -> None:
    exact = [first + 33_333_333 * i for i in range(5)]
    assert times_in_names([stem.format(time) for time in exact]) == exact


def test_pictures_come_in_order_of_their_times(write_images: Write) -> None:
    folder = write_images(["1341845688.5.png", "1341845688.25.png", "1341845688.125.png"])
    found = open_source(folder, FramesSettings())
    frames = list(found)
    assert [frame.name for frame in frames] == ["1341845688.125.png", "1341845688.25.png", "1341845688.5.png"]
    assert [number_of(frame.image) for frame in frames] == [2, 1, 0]
    assert "in order of their times, not of their names" in said(found)
    assert [path.name for path in found.image_files] == [frame.name for frame in frames]


def test_without_times_thirty_a_second_are_assumed_and_said(write_images: Write) -> None:
    times, source = opened(write_images([f"frame_{i:06d}.png" for i in range(1, 7)]))
    assert times == [i / 30 for i in range(6)]
    assert not source.has_times and source.fps is None
    assert said(source) == "the pictures carry no times: 30 a second are assumed (--times FILE gives them)"
    assert opened(source.name, default_fps=10)[0] == [i / 10 for i in range(6)]


@pytest.mark.parametrize("name", ["{:06d}.png", "frame{}.jpg", "7_cam0_{:04d}_rgb.png"])
def test_a_missing_number_leaves_a_gap(write_images: Write, name: str) -> None:
    times, source = opened(write_images([name.format(i) for i in (8, 9, 10, 13, 14, 20)]))
    assert times == [i / 30 for i in (0, 1, 2, 5, 6, 12)]
    assert not source.has_times
    assert f"7 numbers are missing, the first after {name.format(10)}: gaps in time" in said(source)


def test_every_tenth_frame_is_no_gap(write_images: Write) -> None:
    times, source = opened(write_images([f"{i:06d}.png" for i in (10, 20, 30, 50)]))
    assert times == [0, 1 / 30, 2 / 30, 4 / 30]
    assert "1 numbers are missing" in said(source)


def test_only_one_ascending_number_counts_frames() -> None:
    assert frame_numbers(["a1", "a02", "a10"]) == [1, 2, 10]
    for stems in (["a1_1", "a2_2"], ["a1", "b2"], ["a2", "a1"], ["a"], ["1", "123456789012"], ["x", "y"]):
        assert frame_numbers(stems) is None


def photograph(path: Path, number: int, taken: str | None, fraction: str | None, zone: str | None) -> None:
    exif = Image.Exif()
    tags = exif.get_ifd(0x8769)
    exif[0x0132] = "2030:01:01 00:00:00"  # when it was edited
    tags |= {tag: value for tag, value in ((0x9003, taken), (0x9291, fraction), (0x9011, zone)) if value is not None}
    Image.new("RGB", (96, 64), (40 + 4 * number,) * 3).save(path, exif=exif)


def photographs(folder: Path, taken: Sequence[tuple[str | None, str | None, str | None]]) -> Path:
    folder.mkdir()
    for i, tags in enumerate(taken):
        photograph(folder / f"DJI_{i + 18:04d}.JPG", i, *tags)
    return folder


def test_photographs_tell_when_they_were_taken(tmp_path: Path) -> None:
    taken = [("2026:05:01 09:30:00", "25", "+02:00"), ("2026:05:01 09:30:02", "500", "+02:00")]
    times, source = opened(photographs(tmp_path / "a", taken))
    assert times == [1777620600.25, 1777620602.5]
    assert said(source) == "the times are those of the EXIF data"
    days = [("2026:05:01 23:59:59", None, None), ("2026:05:02 00:00:01", None, None)]
    assert opened(photographs(tmp_path / "b", days))[0] == [1777679999.0, 1777680001.0]


def test_photographs_of_the_same_second_are_spread_over_it(tmp_path: Path) -> None:
    taken = [(f"2026:05:01 09:30:0{i // 2}", None, None) for i in range(6)]
    times, source = opened(photographs(tmp_path / "a", taken))
    assert np.subtract(times, times[0]).tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert "spread evenly over its second" in said(source)


def test_photographs_in_another_order_than_their_names_are_sorted(tmp_path: Path) -> None:
    taken = [(f"2026:05:01 09:30:{s:02d}", None, None) for s in (4, 2, 6)]
    found = open_source(photographs(tmp_path / "a", taken), FramesSettings())
    assert [number_of(frame.image) for frame in found] == [1, 0, 2]
    assert "in order of their times, not of their names" in said(found)


def test_exif_data_that_do_not_tell_all_times_are_not_used(tmp_path: Path) -> None:
    taken = [(f"2026:05:01 09:30:{s:02d}", None, None) if s != 1 else (None, None, None) for s in range(3)]
    times, source = opened(photographs(tmp_path / "a", taken))
    assert times == [0, 1 / 30, 2 / 30]
    assert said(source).startswith("EXIF data tell the times of 2 of 3 pictures only, and are not used; the pictures")
    same = [("2026:05:01 09:30:00", None, None)] * 3
    times, source = opened(photographs(tmp_path / "b", same))
    assert not source.has_times and "EXIF data give all pictures the same time" in said(source)
    broken = [("0000:00:00 00:00:00", None, None)] * 3
    assert not opened(photographs(tmp_path / "c", broken))[1].has_times


@pytest.mark.slow
def test_real_photographs_of_a_drone(shared: Path) -> None:
    times, source = opened(shared / "data/telemetry/brighton_beach")
    assert len(times) == 18 and np.all(np.diff(times) > 5) and np.median(np.diff(times)) == 7
    assert said(source) == "the times are those of the EXIF data"


KITTI = "".join(f"{0.1 * i:.6e}\n" for i in range(6))
NUMBERED = [f"{i:06d}.png" for i in range(6)]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("times.txt", KITTI),
        ("images/times.txt", KITTI),
        ("rgb.txt", "# color images\n" + "".join(f"{0.1 * i:.4f} images/{n}\n" for i, n in enumerate(NUMBERED))),
        ("data.csv", "#timestamp [ns],filename\r\n" + "".join(f"{10**8 * i},{n}\r\n" for i, n in enumerate(NUMBERED))),
        ("times.txt", "".join(f"{n[:-4]} {0.1 * i:.4f} 0.5\n" for i, n in enumerate(NUMBERED))),
        ("timestamps.txt", "".join(f"1970-01-01 00:00:00.{i}00000000\n" for i in range(6))),
    ],
)
def test_a_list_beside_the_pictures_tells_times(write_images: Write, place: str, text: str) -> None:
    folder = write_images(NUMBERED)
    (folder.parent / place).write_text(text)
    times, source = opened(folder)
    np.testing.assert_allclose(times, np.arange(6) / 10, atol=1e-9)
    assert source.has_times and said(source) == f"the times are those of {Path(place).name}"
    assert opened(folder, times="off")[0] == [i / 30 for i in range(6)]


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{time}\n" for time in EXACT),
        "".join(f"{Decimal(time).scaleb(-9)}\n" for time in EXACT),
        "".join(f"{Decimal(time):e}\n" for time in EXACT),
        "timestamp;file\n" + "".join(f"{time};{i}.png\n" for i, time in enumerate(EXACT)),
        "file,timestamp,exposure\n" + "".join(f'"somewhere/{i}.png",{time},3\n' for i, time in enumerate(EXACT)),
        "\ufeff" + "".join(f"{i} {time}\n" for i, time in enumerate(EXACT)),
        "".join(f"{time} {i}.png {time + 5} depth/{i}.png\n" for i, time in enumerate(EXACT)),
        "".join(f"{i}.jpg {time}\n" for i, time in enumerate(EXACT)),
    ],
)
def test_a_list_of_any_layout_tells_exact_times(write_images: Write, tmp_path: Path, text: str) -> None:
    (tmp_path / "my times.lst").write_text(text)
    times, source = opened(write_images([f"{i}.png" for i in range(6)]), times=str(tmp_path / "my times.lst"))
    assert times == seconds(EXACT)
    assert [source.nanoseconds(i) for i in range(6)] == EXACT
    assert said(source) == "the times are those of my times.lst"


def test_a_list_that_goes_back_sorts_the_pictures_that_it_names(write_images: Write, tmp_path: Path) -> None:
    (tmp_path / "rgb.txt").write_text("# head\n0.2 images/a.png\n0.1 images/b.png\n0.3 images/c.png\n")
    found = open_source(write_images(["a.png", "b.png", "c.png"]), FramesSettings())
    assert [number_of(frame.image) for frame in found] == [1, 0, 2]
    assert "line 3 of rgb.txt goes back in time" in said(found)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["0.0", "0.1", "nan"], "line 3 of LIST has 'nan' for a time"),
        (["0.0", "0.1", "inf"], "line 3 of LIST has 'inf' for a time"),
        (["# t", "0.0", "0.1", "soon"], "line 4 of LIST has 'soon' for a time"),
        (["0.0", "0.1", "0.1"], "line 3 of LIST repeats the time of line 2"),
        (["0.0", "0.2", "0.1"], "line 3 of LIST goes back behind line 2"),
        (["0.0 a.png", "0.1 b.png", "c.png"], "line 3 of LIST has no name"),
        (["0.0,a.png", ",b.png", "0.2,c.png"], "line 2 of LIST has no time"),
        (["0.0 a.png", "NaN b.png", "0.2 c.png"], "line 2 of LIST has 'NaN' for a time"),
        (["0.0 a.png", "0.1 b.png", "0.1 c.png"], "line 3 of LIST has the time of line 2 again"),
        (["0.0 a.png", "0.1 a.png", "0.2 c.png"], "line 2 of LIST has the picture of line 1 again"),
        (["0", "33333333", "66666666"], "the times of LIST are 33333333 apart, too much for seconds"),
        (["0.0 x.png", "0.1 y.png", "0.2 z.png"], "LIST names none of the pictures, such as 'a.png'"),
        (["0.1 0 0 0 0 0 0 1", "0.2 0 0 0 0 0 0 1"], "line 1 of LIST has 8 columns, as a trajectory has"),
        (["so", "what"], "LIST lists no times"),
        ([], "LIST lists no times"),
    ],
)
def test_a_bad_list_is_refused_with_its_line(
    write_images: Write, tmp_path: Path, lines: list[str], sentence: str
) -> None:
    (tmp_path / "list.txt").write_text("\n".join(lines))
    folder = write_images(["a.png", "b.png", "c.png"])
    assert refusal(folder, times=str(tmp_path / "list.txt")).startswith(
        sentence.replace("LIST", f"{tmp_path}/list.txt")
    )


def test_a_list_that_cannot_be_read_is_refused(write_images: Write, tmp_path: Path) -> None:
    folder = write_images(["a.png", "b.png"])
    assert "cannot be read (No such file" in refusal(folder, times=str(tmp_path / "none.txt"))
    assert "cannot be read (Is a directory)" in refusal(folder, times=str(tmp_path))
    (tmp_path / "b.bin").write_bytes(b"\xff\xfe\x00\x80")
    assert "is no text" in refusal(folder, times=str(tmp_path / "b.bin"))


def test_a_damaged_list_beside_the_pictures_says_how_to_pass_it_over(write_images: Write, tmp_path: Path) -> None:
    folder = write_images(NUMBERED)
    (tmp_path / "times.txt").write_text(KITTI.replace(KITTI.splitlines()[3], "nan"))
    assert refusal(folder).startswith(f"line 4 of {tmp_path}/times.txt has 'nan' for a time")
    assert refusal(folder).endswith("mend it, or pass it over with --times off")


@pytest.mark.parametrize(
    ("name", "text"), [("times.txt", "opening times\n"), ("data.csv", "1,2\n1,3\n"), ("rgb.txt", "")]
)
def test_another_file_of_such_a_name_is_passed_over_and_said(
    write_images: Write, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    times, source = opened(write_images(NUMBERED))
    assert times == [i / 30 for i in range(6)]
    assert said(source).startswith(f"{name} beside the pictures has no times that fit them")


def test_more_and_fewer_times_than_pictures_are_said(write_images: Write, tmp_path: Path) -> None:
    folder, path = write_images(["a.png", "b.png", "c.png"]), tmp_path / "list.txt"
    path.write_text("0.0\n0.1\n0.2\n0.3\n")
    times, source = opened(folder, times=str(path))
    assert times == [0, 0.1, 0.2]
    assert "list.txt has 4 times for 3 pictures, taken in their order: the others are unused" in said(source)
    path.write_text("0.0\n0.1\n")
    times, source = opened(folder, times=str(path))
    assert times == [0, 0.1]
    assert "list.txt has 2 times for 3 pictures, taken in their order: 1 pictures have none and are" in said(source)
    assert [(Path(file.path).name, file.reason) for file in source.left_out] == [("c.png", "no time is given for it")]
    path.write_text("0.1 b.png\n0.2 c.png\n0.3 d.png\n")
    times, source = opened(folder, times=str(path))
    assert times == [0.1, 0.2]
    assert "list.txt has 3 times for 3 pictures, 2 by their names; 1 pictures have none and are left out" in said(
        source
    )


def test_pictures_of_a_part_take_the_times_of_their_numbers(write_images: Write, tmp_path: Path) -> None:
    (tmp_path / "times.txt").write_text("".join(f"{0.1 * i:.6e}\n" for i in range(20)))
    times, source = opened(write_images([f"{i:06d}.png" for i in (12, 13, 15)]))
    np.testing.assert_allclose(times, [1.2, 1.3, 1.5])
    assert "times.txt has 20 times: each of the 3 pictures takes that of its number" in said(source)


def test_the_case_of_tum(shared: Path) -> None:
    times, source = opened(shared / "cases/inputs/tum/rgb")
    assert times[0] == 1305031102.175304 and len(times) == 40
    assert source.fps == pytest.approx(10) and said(source) == "the times are those of rgb.txt"


def test_start_and_end_count_from_the_first_picture(write_images: Write) -> None:
    folder = write_images([f"{1341845688 + i / 10:.6f}.png" for i in range(10)])
    found = open_source(folder, FramesSettings(start=0.25, end=0.55))
    assert [number_of(frame.image) for frame in found] == [3, 4, 5]
    assert (found.expected, found.first_time) == (3, 1341845688.0)
    assert refusal(folder, start=5.0).endswith("its last one is at 0.900 s; change frames.start or frames.end")


def test_auto_takes_about_ten_a_second_by_the_usual_step(write_images: Write) -> None:
    folder = write_images([f"{1341845688 + i / 20 + (i > 5) * 30:.6f}.png" for i in range(12)])
    found = open_source(folder, FramesSettings(fps="auto"))
    assert (found.fps, found.settings.fps) == (20, 10)
    assert [number_of(frame.image) for frame in found] == [0, 2, 4, 5, 6, 8, 10]  # 5: the nearest to much of the gap


def test_a_video_takes_the_times_of_a_list(write_video: Write, tmp_path: Path) -> None:
    exact = [UNIX + 200_000_000 * i for i in range(20)]
    (tmp_path / "list.txt").write_text("".join(f"{time}\n" for time in exact))
    times, source = opened(write_video(), times=str(tmp_path / "list.txt"))
    assert times == seconds(exact) and source.nanoseconds(3) == exact[3]
    part = open_source(source.name, FramesSettings(times=str(tmp_path / "list.txt"), start=2.5, end=3.1))
    assert [number_of(frame.image) for frame in part] == [13, 14, 15]
    (tmp_path / "list.txt").write_text("".join(f"{time}\n" for time in exact[:15]))
    times, source = opened(source.name, times=str(tmp_path / "list.txt"))
    assert len(times) == 15
    assert "list.txt has 15 times for 20 frames, taken in their order: frames behind the last one are" in said(source)
    (tmp_path / "list.txt").write_text("0.0 a.png\n0.1 b.png\n")
    assert "gives times to pictures by their names" in refusal(source.name, times=str(tmp_path / "list.txt"))


def test_other_times_are_another_input(write_images: Write, tmp_path: Path) -> None:
    folder, path = write_images(["a.png", "b.png"]), tmp_path / "list.txt"
    digests = set()
    for text in ("0\n1\n", "0\n2\n"):
        path.write_text(text)
        digests.add(open_source(folder, FramesSettings(times=str(path))).digest)
    assert len(digests) == 2


def test_dates_are_read_to_the_nanosecond() -> None:
    assert read_date("2011-09-26 13:02:25.964389445") == 1317042145964389445
    assert read_date("2011-09-26T13:02:25Z") == 1317042145 * 10**9
    assert read_date("2011-09-26 13:02:25.5+02:00") == 1317034945500000000
    assert read_date("2011-09-26") is None and read_date("12.5") is None and read_date("") is None
