"""Frames in any order are those that come when all are read from the beginning."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import av
import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from da3_stream.errors import FramesError
from da3_stream.frames import FrameSource, describe, open_source
from da3_stream.frames.sources.video import seeking
from da3_stream.frames.sources.video.decoding import decode_packets
from da3_stream.settings import CameraSettings, FramesSettings
from da3_stream.types import Frame
from tests.frames.conftest import picture
from tests.frames.sources.test_video import KEEP_NEGATIVE, overwrite, packets
from tests.frames.sources.video_making import boxes, write_frames
from tests.worlds.clips import h264

Write = Callable[..., Path]
ALL = FramesSettings()
COUNT = 24
OPEN = "open-gop=1:scenecut=0:b-adapt=0"
UNEVEN = np.cumsum([0, 3, 4, 10, 30, 3, 3, 60, 100, 10, 3, 3, 3, 3, 5, 7, 1, 1, 9, 10, 10, 2, 3, 3]).tolist()


def assert_same(found: Frame, expected: Frame) -> None:
    assert (found.index, found.timestamp, found.name) == (expected.index, expected.timestamp, expected.name)
    assert found.source_size == expected.source_size
    np.testing.assert_array_equal(found.image, expected.image)
    assert (found.mask is None) == (expected.mask is None)
    if found.mask is not None and expected.mask is not None:
        np.testing.assert_array_equal(found.mask, expected.mask)


def searched(source: Any, count: int, every: int = 1, side: int | None = None, **camera: Any) -> FrameSource:
    """A source of so many frames, of which each is looked at alone in random order, and in rows."""
    told = CameraSettings.model_validate(camera)
    expected = {frame.index: frame for frame in open_source(source, ALL, side, told)}
    found = open_source(source, ALL, side, told)
    assert found.why_not_seekable == ""
    alone = [[index] for index in range(0, count, every)]
    Random(1).shuffle(alone)
    rows = [Random(2).sample(range(count), count // 3), range(count // 2, count), range(0, count, 3), range(count)]
    for indices in [*alone, *rows]:
        wanted = [expected[index] for index in sorted(indices) if index in expected]
        for frame, same in zip(found.frames_at(indices), wanted, strict=True):
            assert_same(frame, same)
    with pytest.raises(FramesError, match=f"has frames 0 to {count - 1}, not {count} to {count}$"):
        next(found.frames_at([count]))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"bf": "3"}),
        ("a.mp4", "libx264", {"bf": "3", "g": "8", "x264-params": OPEN}),
        ("a.mkv", "libx264", {"bf": "3", "g": "8", "x264-params": OPEN}),
        ("a.ts", "libx264", {"bf": "3", "g": "8", "x264-params": OPEN}),
        ("a.mp4", "libx264", {"bf": "0", "g": "8", "intra-refresh": "1"}),
        ("a.mov", "libx265", {"x265-params": "keyint=8:open-gop=1:bframes=3:log-level=none"}),
        ("a.ts", "libx265", {"x265-params": "keyint=8:open-gop=1:bframes=3:log-level=none"}),
        ("a.webm", "libvpx-vp9", {"g": "8", "cpu-used": "8"}),
        ("a.ts", "mpeg2video", {"g": "8", "bf": "2"}),
        ("a.mpg", "mpeg2video", {"g": "8", "bf": "2"}),
        ("a.avi", "mpeg4", {"g": "8"}),
        ("a.avi", "mjpeg", {}),
        ("a.mkv", "ffv1", {}),
        ("a.gif", "gif", {}),
    ],
)
def test_videos(write_video: Write, name: str, codec: str, options: dict[str, str]) -> None:
    rate = 25 if codec == "mpeg2video" else 10
    searched(write_video(name, COUNT, rate, codec=codec, options=options), COUNT, every=1 if codec == "libx264" else 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_uneven_times(write_video: Write, name: str) -> None:
    searched(write_video(name, COUNT, times=UNEVEN, options={"bf": "2"}), COUNT, every=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_clock_that_leaps(write_video: Write, name: str) -> None:
    times = [10 * i + 360_000 * (i >= 11) + 8_640_000 * (i >= 17) for i in range(COUNT)]
    source = searched(write_video(name, COUNT, times=times, options={"bf": "2"}), COUNT, every=3)
    assert next(source.frames_at([23])).timestamp == pytest.approx(2.3)


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "faststart"])
def test_fragments_and_an_index_in_front(write_video: Write, flags: str) -> None:
    searched(write_video(count=COUNT, flags=flags, options={"bf": "2"}), COUNT, every=4)


def test_what_an_edit_list_hides_has_no_index(write_video: Write, tmp_path: Path) -> None:
    path = tmp_path / "edited.mp4"
    with av.open(str(write_video())) as whole, av.open(str(path), "w", options=KEEP_NEGATIVE) as edited:
        stream = edited.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts - 7 * 1024, packet.dts - 7 * 1024, stream
                edited.mux(packet)
    searched(path, 13)


def test_turned_shrunk_and_masked_by_hand(write_video: Write, tmp_path: Path) -> None:
    path = write_video(count=COUNT, rotation=(90, False, True), options={"bf": "2"})
    mask = np.full((96, 64), 255, np.uint8)
    mask[70:] = 0
    cv2.imwrite(str(tmp_path / "hand.png"), mask)
    searched(path, COUNT, every=5, side=48, mask=str(tmp_path / "hand.png"))


def test_straightened(write_video: Write) -> None:
    path = write_video(count=COUNT)
    source = searched(path, COUNT, every=5, intrinsics="80,80,48,32,-0.3,0.05,0,0@96x64")
    assert next(source.frames_at([7])).mask is not None


def test_a_view_of_a_panorama(write_video: Write) -> None:
    searched(write_video(count=COUNT, size=(128, 64)), COUNT, every=5, panorama_view="30,10,80")


@pytest.mark.slow
def test_high_dynamic_range_and_deep_gray(tmp_path: Path) -> None:
    images = [boxes(96, 64, seed) for seed in range(8)]
    bright = write_frames(
        tmp_path / "pq.mkv", images, pix_fmt="yuv420p10le", stored=9, colorspace=9, color_trc=16, color_primaries=9
    )
    searched(bright, 8, every=3)
    gray = [av.VideoFrame.from_ndarray(3000 + 17 * image[..., 0].astype(np.uint16), "gray16le") for image in images]
    source = searched(write_frames(tmp_path / "gray.mkv", gray, pix_fmt="gray16le"), 8, every=3)
    assert source.levels is not None


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_damaged_picture_is_left_out_and_its_neighbours_are_there(write_video: Write, codec: str) -> None:
    """Damaged: a key frame, and one that only itself needs. What FFmpeg makes of the frames that need a damaged one is
    not the same twice, so only others are compared."""
    options = {"bf": "0", "x265-params": "log-level=none:keyint=5:bframes=0"}
    path = write_video(count=COUNT, codec=codec, options=options)
    for time, position, size in packets(path):
        if time in (9 * 1024, 15 * 1024):
            overwrite(path, position + 4, size - 4)
    expected = {frame.index: frame for frame in open_source(path, ALL)}
    source = open_source(path, ALL)
    assert 15 not in expected and 9 not in expected
    for index in (20, 15, 9, 16, 8, 10, 14):
        assert [frame.index for frame in source.frames_at([index])] == [index] * (index in expected)
    for frame in source.frames_at(range(COUNT)):
        if frame.index not in range(15, 20):
            assert_same(frame, expected[frame.index])
    assert [frame.index for frame in source.frames_at(range(COUNT))] == list(expected)


def test_only_what_is_needed_is_decoded(write_video: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []

    def counted(packets: Any, *rest: Any) -> Any:
        return decode_packets((decoded.append(packet[0] is not None) or packet for packet in packets), *rest)

    monkeypatch.setattr(seeking, "decode_packets", counted)
    source = open_source(write_video(count=50, options={"g": "10", "bf": "0"}), ALL)
    assert [frame.index for frame in source.frames_at([33, 32])] == [32, 33]
    assert sum(decoded) <= 4 + 10  # decoders with threads give a frame some packets later
    decoded.clear()
    assert len(list(source.frames_at(range(50)))) == 50
    assert sum(decoded) == 50


@pytest.mark.slow
def test_several_files_in_a_row_of_which_one_repeats_frames(tmp_path: Path) -> None:
    for i, first in enumerate((0, 10)):
        h264(tmp_path / f"2024_0101_12001{i}_{i:04d}F.MP4", first, 16)
    searched(tmp_path, 26, every=5)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tif"])
def test_image_files(write_images: Write, tmp_path: Path, suffix: str) -> None:
    folder = write_images([f"{i:03d}{suffix}" for i in range(9)])
    (folder / "004.png").write_bytes(b"damaged")
    mask = np.full((64, 96), 255, np.uint8)
    mask[:, 50:] = 0
    cv2.imwrite(str(folder / f"003_mask{suffix}"), mask)
    searched(folder, 9 if suffix == ".png" else 10)


def test_deep_images_share_the_levels_of_the_first(tmp_path: Path) -> None:
    for i in range(4):
        cv2.imwrite(str(tmp_path / f"{i}.png"), picture(i))
    for i in range(4, 8):
        cv2.imwrite(str(tmp_path / f"{i}.png"), picture(i).astype(np.uint16) * 40 + 500)
    cv2.imwrite(str(tmp_path / "8.tiff"), picture(8).astype(np.float32) / 300)
    expected = {frame.index: frame for frame in open_source(tmp_path, ALL)}
    source = open_source(tmp_path, ALL)
    assert list(source.frames_at([8])) == [] and 8 not in expected
    for frame in source.frames_at([6, 5]):
        assert_same(frame, expected[frame.index])


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_animations(tmp_path: Path, name: str) -> None:
    images = [Image.fromarray(picture(number)) for number in range(6)]
    lengths = [100, 50, 200, 100, 70, 30]
    images[0].save(tmp_path / name, save_all=True, append_images=images[1:], duration=lengths, lossless=True)
    searched(tmp_path / name, 6)


def test_pages_of_a_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([picture(number) for number in range(6)]), photometric="rgb")
    searched(tmp_path / "a.tif", 6)


def test_a_list_of_times(write_video: Write, tmp_path: Path) -> None:
    path = write_video(count=COUNT)
    (tmp_path / "times.txt").write_text("".join(f"{100 + i * i}\n" for i in range(20)))
    settings = FramesSettings(times=str(tmp_path / "times.txt"))
    expected = list(open_source(path, settings))
    for frame in open_source(path, settings).frames_at([19, 3, 11]):
        assert_same(frame, expected[frame.index])


def test_what_cannot_be_searched_says_why(write_video: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def why(source: Any) -> str:
        opened = open_source(source, ALL)
        with pytest.raises(FramesError) as refusal:
            next(opened.frames_at([0]))
        assert str(refusal.value) == opened.why_not_seekable
        return opened.why_not_seekable

    assert "only those of files can be searched" in why([picture(0), picture(1)])
    assert why(write_video("a.h264")).endswith("a.h264' cannot be searched: it stores no times")
    assert why(write_video("b.avi", options={"bf": "2"})).endswith("the times of its frames are made up")
    interlaced = {"flags": "+ildct+ilme", "x264-params": "interlaced=1"}
    assert "it is interlaced, and a field may be a packet" in why(write_video("c.ts", options=interlaced))
    joined = write_video("d.ts")
    joined.write_bytes(2 * joined.read_bytes())
    assert why(joined).endswith("its clock falls back")
    cut = write_video("e.mov", codec="mjpeg", flags="faststart")
    cut.write_bytes(cut.read_bytes()[: packets(cut)[12][1]])
    assert why(cut).endswith("it is cut off")


def test_packets_that_are_others_now_are_refused(write_video: Write) -> None:
    path = write_video(count=COUNT)
    source = open_source(path, ALL)
    write_video(count=COUNT, options={"bf": "0", "g": "7"})
    with pytest.raises(FramesError, match="its packets are others than when it was opened"):
        list(source.frames_at([12]))


def test_a_description_opens_the_same_source_elsewhere(
    write_video: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(count=COUNT)
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("hand.png", np.pad(np.full((60, 96), 255, np.uint8), ((0, 4), (0, 0))))
    camera = CameraSettings.model_validate({"mask": "hand.png", "intrinsics": "80,80,48,32,-0.3,0.05,0,0@96x64"})
    source = open_source("clip.mp4", FramesSettings(fps="auto", start=0.5), 48, camera)
    expected = list(source)
    described = pickle.loads(pickle.dumps(describe(source)))
    stored = pickle.loads(pickle.dumps(describe(open_source("clip.mp4", ALL, 48, camera).as_stored())))
    monkeypatch.chdir("/")
    for frame, same in zip(described.open(), expected, strict=True):
        assert_same(frame, same)
    assert stored.open().undistort is None
    path.rename(tmp_path / "gone.mp4")
    with pytest.raises(FramesError, match=r" does not see '.*clip.mp4': put it where all machines see it by the same"):
        described.open()
    write_video(count=COUNT, options={"g": "3"})
    with pytest.raises(FramesError, match=r"clip.mp4' is another input on .* \(digest "):
        described.open()
    with pytest.raises(FramesError, match="cannot be opened again: it is not made of files"):
        describe(open_source([picture(0)], ALL))


@pytest.mark.slow
def test_a_real_drive(shared: Path) -> None:
    path = shared / "data/video/test_kitti984.mp4"
    expected = {frame.index: frame for frame in open_source(path, FramesSettings(end=2), 160)}
    source = open_source(path, ALL, 160)
    for indices in ([3, 18], range(8, 12)):
        for frame in source.frames_at(indices):
            assert_same(frame, expected[frame.index])
