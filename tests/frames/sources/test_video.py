"""Video files: times, orientation, damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from da3_stream.errors import FramesError
from da3_stream.frames import open_source, prefetch
from da3_stream.frames.sources.video import decoding
from da3_stream.frames.sources.video.orientation import turn_upright
from da3_stream.settings import FramesSettings
from da3_stream.types import Frame, UInt8
from tests.frames.conftest import HEIGHT, WIDTH, number_of
from tests.worlds.wall import skipped

Write = Callable[..., Path]
ALL = FramesSettings()
KEEP_NEGATIVE = {"avoid_negative_ts": "disabled"}


def read(path: Path, **settings: float) -> list[Frame]:
    return list(open_source(path, FramesSettings(**settings)))


def packets(path: Path) -> list[tuple[int, int, int]]:
    """(time, position, size) of each packet in decoding order."""
    with av.open(str(path)) as container:
        return [(p.pts, p.pos, p.size) for p in container.demux(container.streams.video[0]) if p.size]


def overwrite(path: Path, position: int, size: int) -> None:
    data = bytearray(path.read_bytes())
    data[position : position + size] = np.random.default_rng(0).integers(0, 255, size, np.uint8).tobytes()
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.MOV", "libx264"),
        ("a.mkv", "libx265"),
        ("a.avi", "ffv1"),
        ("a.ts", "libx264"),
        ("a.webm", "libvpx-vp9"),
    ],
)
def test_every_frame_comes_once_in_order_with_its_time(write_video: Write, name: str, codec: str) -> None:
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    source = open_source(write_video(name, codec=codec, options=options), ALL)
    frames = list(source)
    assert [number_of(frame.image) for frame in frames] == list(range(20))
    assert [frame.index for frame in frames] == list(range(20))
    np.testing.assert_allclose([frame.timestamp for frame in frames], np.arange(20) / 10, atol=1e-3)
    assert (source.kind, source.has_times, source.size, skipped(source)) == ("video", True, (WIDTH, HEIGHT), [])
    assert source.fps == pytest.approx(10)
    assert source.expected == 20


def test_colours_are_rgb(write_video: Write) -> None:
    first = read(write_video())[0].image
    np.testing.assert_allclose(first[-5, -5], (40, 40, 40), atol=3)
    np.testing.assert_allclose(first[5, 5], (20, 220, 60), atol=6)
    assert first.dtype == np.uint8 and first.flags.c_contiguous


def test_a_variable_frame_rate_keeps_its_true_times(write_video: Write) -> None:
    times = [0, 3, 4, 10, 30, 31, 33, 60, 100, 101]
    frames = read(write_video("vfr.mkv", count=10, rate=100, times=times))
    np.testing.assert_allclose([frame.timestamp for frame in frames], np.array(times) / 100, atol=1e-3)


def test_times_begin_with_the_stream(write_video: Write) -> None:
    frames = read(write_video("late.mkv", count=5, rate=100, times=[500, 510, 520, 530, 540]))
    np.testing.assert_allclose([frame.timestamp for frame in frames], np.arange(5) / 10, atol=1e-3)


def test_times_go_on_where_joined_files_begin_anew(write_video: Write) -> None:
    path = write_video("a.ts")
    path.write_bytes(path.read_bytes() * 2)
    source = open_source(path, ALL)
    frames = list(source)
    assert [number_of(frame.image) for frame in frames] == [*range(20), *range(20)]
    assert [frame.index for frame in frames] == list(range(40))
    np.testing.assert_allclose(np.diff([frame.timestamp for frame in frames]), 0.1, atol=1e-3)
    assert skipped(source) == []


def test_fps_follows_the_clock_and_not_the_count(write_video: Write) -> None:
    times = [0, 1, 2, 3, 50, 52, 99, 101, 149, 151]
    path = write_video("vfr.mkv", count=10, rate=100, times=times)
    assert [frame.index for frame in read(path, fps=2)] == [0, 4, 6, 8]


@pytest.mark.parametrize(
    ("rotation", "shown"),
    [
        ((0, False, False), lambda image: image),
        ((90, False, False), np.rot90),
        ((180, False, False), lambda image: np.rot90(image, 2)),
        ((270, False, False), lambda image: np.rot90(image, 3)),
        ((0, True, False), np.fliplr),
        ((0, False, True), np.flipud),
    ],
)
def test_pictures_come_upright(
    write_video: Write, rotation: tuple[int, bool, bool], shown: Callable[[UInt8], UInt8]
) -> None:
    plain = read(write_video("plain.mp4", count=2))[0].image
    source = open_source(write_video("turned.mp4", count=2, rotation=rotation), ALL)
    first = next(iter(source))
    np.testing.assert_array_equal(first.image, shown(plain))
    assert first.source_size == source.size == (first.image.shape[1], first.image.shape[0])
    assert first.image.flags.c_contiguous


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("across", [-1, 1])
@pytest.mark.parametrize("down", [-1, 1])
def test_the_display_matrix_moves_each_pixel_where_it_says(transposed: bool, across: int, down: int) -> None:
    one = 1 << 16
    matrix = (0, down * one, 0, across * one, 0) if transposed else (across * one, 0, 0, 0, down * one)
    image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    result = turn_upright(image, matrix)
    a, b, _, c, d = (value / one for value in matrix)
    for row in range(2):
        for column in range(3):
            x, y = a * column + c * row, b * column + d * row
            x += result.shape[1] - 1 if across < 0 else 0
            y += result.shape[0] - 1 if down < 0 else 0
            np.testing.assert_array_equal(result[int(y), int(x)], image[row, column])


def test_start_gives_the_same_frames_as_reading_everything(write_video: Write) -> None:
    path = write_video(count=40, options={"bf": "2"})
    whole = [frame for frame in read(path) if 1.7 <= frame.timestamp < 2.9]
    part = read(path, start=1.7, end=2.9)
    assert [frame.index for frame in part] == [frame.index for frame in whole]
    for one, other in zip(part, whole, strict=True):
        np.testing.assert_array_equal(one.image, other.image)


def test_a_group_too_long_to_hold_is_decoded(write_video: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_HELD_PACKETS", 3)
    frames = read(write_video(count=40, options={"g": "40"}), start=2.5)
    assert [(frame.index, number_of(frame.image)) for frame in frames] == [(i, i) for i in range(25, 40)]


def test_interlaced_video_loses_nothing(write_video: Write) -> None:
    source = open_source(write_video("a.ts", options={"flags": "+ildct+ilme"}), ALL)
    assert [frame.index for frame in source] == list(range(20))
    assert skipped(source) == []


def test_what_an_edit_list_hides_is_no_frame(write_video: Write, tmp_path: Path) -> None:
    path = tmp_path / "edited.mp4"
    with av.open(str(write_video())) as whole, av.open(str(path), "w", options=KEEP_NEGATIVE) as edited:
        stream = edited.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts - 7 * 1024, packet.dts - 7 * 1024, stream
                edited.mux(packet)
    source = open_source(path, ALL)
    assert [(frame.index, number_of(frame.image)) for frame in source] == [(i, i + 7) for i in range(13)]
    assert skipped(source) == []


def test_start_decodes_nothing_before_the_last_keyframe(write_video: Write) -> None:
    path = write_video(count=40)
    for time, position, size in packets(path)[:20]:
        assert time < 2.5 * 10 * 1024
        overwrite(path, position, size)
    source = open_source(path, FramesSettings(start=2.5))
    assert [number_of(frame.image) for frame in source] == list(range(25, 40))
    assert skipped(source) == []


def test_max_frames_counts_good_frames(write_video: Write) -> None:
    path = write_video(codec="mjpeg", name="a.mov")
    _, position, size = packets(path)[2]
    overwrite(path, position, size)
    source = open_source(path, FramesSettings(max_frames=5))
    assert [frame.index for frame in source] == [0, 1, 3, 4, 5]
    assert [bad.index for bad in skipped(source)] == [2]


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_damaged_packet_is_skipped_by_name_and_reading_goes_on(write_video: Write, codec: str) -> None:
    options = {"x265-params": "log-level=none:keyint=5"} if codec == "libx265" else {}
    path = write_video(codec=codec, options=options)
    time, position, size = next(p for p in packets(path) if p[0] == 10 * 1024)
    overwrite(path, position + 4, size - 4)
    source = open_source(path, ALL)
    frames = list(source)
    bad = [entry.index for entry in skipped(source)]
    assert 10 in bad and len(bad) <= 5
    assert [frame.index for frame in frames] == [i for i in range(20) if i not in bad]
    np.testing.assert_allclose([f.timestamp for f in frames], [f.index / 10 for f in frames])
    assert all(entry.reason in ("cannot be decoded", "decoded from damaged data") for entry in skipped(source))
    assert skipped(source)[0].name == f"clip_{bad[0]:06d}"


def test_a_damaged_video_reads_the_same_every_time(write_video: Write) -> None:
    path = write_video(count=40, options={"bf": "2"})
    for _, position, size in packets(path)[7:30:6]:
        overwrite(path, position + size // 3, max(4, size // 3))
    first, second = open_source(path, ALL), open_source(path, ALL)
    for one, other in zip(first, second, strict=True):
        assert one.index == other.index
        np.testing.assert_array_equal(one.image, other.image)
    assert skipped(first) == skipped(second) != []


def test_a_frame_lost_outside_the_selection_is_nobodys_loss(write_video: Write) -> None:
    path = write_video(codec="mjpeg", name="a.mov")
    overwrite(path, *packets(path)[3][1:])
    source = open_source(path, FramesSettings(every=2))
    assert len(list(source)) == 10
    assert skipped(source) == []


def test_a_cut_off_video_gives_the_frames_that_decode_and_says_what_is_missing(write_video: Write) -> None:
    path = write_video(codec="mjpeg", name="a.mov", flags="faststart")
    cut = packets(path)[12][1]
    path.write_bytes(path.read_bytes()[:cut])
    source = open_source(path, ALL)
    assert source.expected == 12
    assert [frame.index for frame in source] == list(range(12))
    assert [bad.index for bad in skipped(source)] == [12]
    assert (
        skipped(source)[0].reason == "the file is cut off (frames listed in its index that are missing from here on: 8)"
    )


@pytest.mark.parametrize("flags", ["frag_keyframe", "frag_keyframe+empty_moov"])
def test_a_video_in_fragments_knows_how_long_it_is(write_video: Write, flags: str) -> None:
    source = open_source(write_video(flags=flags), ALL)
    assert source.expected == len(list(source)) == 20


def test_a_video_without_times_gets_them_from_its_rate(write_video: Write) -> None:
    source = open_source(write_video("a.h264"), ALL)
    times = [frame.timestamp for frame in source]
    assert not source.has_times
    np.testing.assert_allclose(times, np.arange(20) * times[1])


def test_frames_are_shrunk_to_the_longest_side(write_video: Write) -> None:
    source = open_source(write_video(size=(192, 128)), ALL, image_side=48)
    frame = next(iter(source))
    assert frame.image.shape == (32, 48, 3)
    assert frame.source_size == source.size == (192, 128)


def test_frames_are_never_enlarged(write_video: Write) -> None:
    assert next(iter(open_source(write_video(), ALL, image_side=1000))).image.shape == (HEIGHT, WIDTH, 3)


def test_a_source_can_be_read_again(write_video: Write) -> None:
    source = open_source(write_video(), ALL)
    assert [frame.index for frame in source] == [frame.index for frame in source] == list(range(20))


def test_one_frame_is_enough(write_video: Write) -> None:
    assert len(read(write_video(count=1))) == 1


def test_nothing_after_the_end_of_the_range_is_expected(write_video: Write) -> None:
    source = open_source(write_video(), FramesSettings(start=0.5, end=1.5, every=2, max_frames=4))
    assert source.expected == len(list(source)) == 4


def test_a_range_beyond_the_video_is_refused(write_video: Write) -> None:
    path = write_video()
    with pytest.raises(FramesError) as caught:
        open_source(path, FramesSettings(start=100))
    assert str(caught.value) == (
        f"'{path}' has no frame from 100 s: its last one is at 1.900 s; change frames.start or frames.end"
    )


@pytest.mark.slow
def test_a_real_drive_has_all_its_frames(shared: Path) -> None:
    source = open_source(shared / "data/video/test_kitti984.mp4", FramesSettings(), image_side=160)
    assert source.size == (1242, 375) and source.expected == 268
    with prefetch(source) as frames:
        times = [frame.timestamp for frame in frames]
    assert len(times) == 268
    assert times[0] == 0 and np.all(np.diff(times) > 0)
