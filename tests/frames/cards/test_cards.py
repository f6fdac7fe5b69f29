"""Cards as cameras leave them: which files are footage, in which order, and how they follow each other."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from da3_stream.errors import FramesError
from da3_stream.frames import FrameSource, open_source
from da3_stream.settings import FramesSettings
from tests.worlds.clips import h264, shown, write_clip


def read(source: object, **settings: object) -> FrameSource:
    return open_source(source, FramesSettings(**settings))  # type: ignore[arg-type]


def names(source: FrameSource) -> list[str]:
    list(source)
    return [Path(file.path).name for file in source.files]


def left_out(source: FrameSource) -> dict[str, str]:
    return {Path(file.path).name: file.reason for file in source.left_out}


def cuts(source: FrameSource) -> list[int]:
    return [frame.index for frame in source if frame.begins_shot]


def said(source: FrameSource) -> str:
    return "\n".join(advice.text for advice in source.advice)


@pytest.mark.slow
def test_a_dashcam_with_a_second_that_is_there_twice(tmp_path: Path) -> None:
    movie = tmp_path / "SD CARD" / "DCIM" / "Movie"
    for letter, seed in (("F", 0), ("R", 1)):
        for i in range(3):
            h264(movie / f"2024_0101_12001{2 * i}_{i:04d}{letter}.MP4", 20 * i, 30, seed=seed)
    h264(movie / "RO" / "2024_0101_123000_0009F.MP4", 150, 20)
    (movie / "._2024_0101_120010_0000F.MP4").write_bytes(b"AppleDouble")
    source = read(tmp_path / "SD CARD")
    frames = list(source)
    assert len(frames) == 90 and [frame.index for frame in frames if frame.begins_shot] == [70]
    times = [*np.arange(70) / 10, *(1790 + np.arange(20) / 10)]
    assert [frame.timestamp for frame in frames] == pytest.approx(times, abs=1e-3)
    for frame in frames[:70:7]:
        assert np.abs(frame.image.astype(int) - shown(frame.index)).mean() < 12
    assert source.origin(30) == (str(movie / "2024_0101_120012_0001F.MP4"), 10)
    assert set(left_out(source).values()) == {"of the rear camera"} and len(left_out(source)) == 3
    assert "4 videos in the order of dates in their names" in said(source)
    assert "the front camera is used; --camera takes another: rear" in said(source)
    assert "1783 s before 2024_0101_123000_0009F.MP4" in said(source)
    rear = read(tmp_path / "SD CARD", camera="rear")
    assert len(list(rear)) == 70 and "of the front camera" in left_out(rear).values()


@pytest.mark.slow
def test_chapters_of_an_action_camera_stay_together(tmp_path: Path) -> None:
    card = tmp_path / "DCIM" / "100GOPRO"
    h264(card / "GH010001.MP4", 0, 15)
    h264(card / "GH010002.MP4", 0, 15, seed=1)
    h264(card / "GH020001.MP4", 15, 15)
    h264(card / "GH020002.MP4", 15, 15, seed=1)
    shutil.copy(card / "GH010001.MP4", card / "GL010001.LRV")
    (card / "GH010001.THM").write_bytes(b"thumbnail")
    source = read(tmp_path)
    assert names(source) == ["GH010001.MP4", "GH020001.MP4", "GH010002.MP4", "GH020002.MP4"]
    assert cuts(source) == [30]
    assert left_out(source) == {"GH010001.THM": "a thumbnail", "GL010001.LRV": "a proxy, a smaller copy"}


@pytest.mark.slow
def test_old_chapters_and_one_that_is_missing(tmp_path: Path) -> None:
    for name, first in (("GOPR0001.MP4", 0), ("GOPR0002.MP4", 90), ("GP010001.MP4", 15), ("GP030001.MP4", 60)):
        h264(tmp_path / name, first, 15)
    source = read(tmp_path)
    assert names(source) == ["GOPR0001.MP4", "GP010001.MP4", "GP030001.MP4", "GOPR0002.MP4"]
    assert "chapters are missing before GP030001.MP4" in said(source)


@pytest.mark.slow
def test_a_camcorder_and_its_proxies(tmp_path: Path) -> None:
    root = tmp_path / "PRIVATE" / "M4ROOT"
    h264(root / "CLIP" / "C0001.MP4", 0, 12)
    h264(root / "CLIP" / "C0002.MP4", 12, 12)
    h264(root / "SUB" / "C0001S03.MP4", 0, 12)
    (root / "THMBNL").mkdir()
    cv2.imwrite(str(root / "THMBNL" / "C0001T01.JPG"), shown(0))
    source = read(tmp_path)
    assert names(source) == ["C0001.MP4", "C0002.MP4"] and cuts(source) == []
    assert left_out(source) == {"C0001S03.MP4": "a proxy, a smaller copy", "C0001T01.JPG": "a thumbnail"}


def test_a_drone_with_photographs_beside_its_videos(tmp_path: Path) -> None:
    card = tmp_path / "DCIM" / "100MEDIA"
    h264(card / "DJI_0002.MP4", 0, 12)
    h264(card / "DJI_0010.MP4", 12, 12)
    cv2.imwrite(str(card / "DJI_0003.JPG"), shown(5))
    (card / "DJI_0002.SRT").write_text("1")
    shutil.copy(card / "DJI_0002.MP4", card / "DJI_0002.LRF")
    source = read(tmp_path)
    assert names(source) == ["DJI_0002.MP4", "DJI_0010.MP4"]
    assert left_out(source)["DJI_0003.JPG"].startswith("a picture beside videos")
    assert left_out(source)["DJI_0002.LRF"] == "a proxy, a smaller copy"


def test_a_phone_goes_by_the_times_in_its_files(tmp_path: Path) -> None:
    h264(tmp_path / "IMG_0001.MOV", 40, 15, created="2024-05-02T10:01:00Z")
    h264(tmp_path / "IMG_0002.MOV", 0, 15, created="2024-05-02T10:00:00Z")
    cv2.imwrite(str(tmp_path / "IMG_0003.JPG"), shown(5))
    source = read(tmp_path)
    assert names(source) == ["IMG_0002.MOV", "IMG_0001.MOV"]
    assert [file.start_s for file in source.files] == [0, pytest.approx(60)]
    assert "2 videos in the order of times in the files: IMG_0002.MOV to IMG_0001.MOV" in said(source)


@pytest.mark.slow
def test_clips_of_four_cameras_and_one_that_tells_no_time(tmp_path: Path) -> None:
    folder = tmp_path / "SavedClips" / "2024-01-01_12-02-10"
    for i in range(2):
        for seed, camera in enumerate(("front", "back", "left_repeater", "right_repeater")):
            h264(folder / f"2024-01-01_12-0{i}-00-{camera}.mp4", 8 * i, 8, seed=seed)
    h264(folder / "2024-01-01_12-03-00-front.mp4", 30, 8)
    h264(folder / "another.mp4", 40, 8)
    cv2.imwrite(str(folder / "thumb.png"), shown(0))
    source = read(tmp_path)
    assert names(source) == [*(f"2024-01-01_12-0{i}-00-front.mp4" for i in (0, 1, 3)), "another.mp4"]
    assert "in the order of dates in most of their names" in said(source)
    assert "another.mp4 last, which tell no time" in said(source)
    assert "--camera takes another: left_repeater, rear, right_repeater" in said(source)


@pytest.mark.slow
def test_an_event_that_is_on_the_card_once_more(tmp_path: Path) -> None:
    for i in range(2):
        h264(tmp_path / "Normal" / f"NO20240101-12000{2 * i}-00000{i}F.MP4", 20 * i, 20)
    h264(tmp_path / "Event" / "EV20240101-120001-000001F.MP4", 8, 10)
    source = read(tmp_path)
    assert names(source) == ["NO20240101-120000-000000F.MP4", "NO20240101-120002-000001F.MP4"] and cuts(source) == []
    (reason,) = left_out(source).values()
    assert reason.startswith("recorded while NO20240101-120000-000000F.MP4 was")


def test_the_first_of_numbered_copies_has_no_number(tmp_path: Path) -> None:
    for i, name in enumerate(("clip.mp4", "clip 2.mp4", "clip 10.mp4")):
        h264(tmp_path / name, 8 * i, 8)
    assert names(read(tmp_path)) == ["clip.mp4", "clip 2.mp4", "clip 10.mp4"]


def test_a_pattern_that_matches_a_cards_folders_and_a_stray_file(tmp_path: Path) -> None:
    h264(tmp_path / "DCIM" / "100MEDIA" / "DJI_0001.MP4", 0, 8)
    (tmp_path / "version.txt").write_text("1")
    assert names(read(f"{tmp_path}/*")) == ["DJI_0001.MP4"]


def test_live_photographs_are_photographs(tmp_path: Path) -> None:
    h264(tmp_path / "IMG_0001.MOV", 0, 8)
    h264(tmp_path / "IMG_0003.MOV", 20, 8)
    cv2.imwrite(str(tmp_path / "IMG_0001.JPG"), shown(0))
    source = read(tmp_path)
    assert names(source) == ["IMG_0003.MOV"]
    assert left_out(source)["IMG_0001.MOV"] == "the moving part of a photograph"


def test_pictures_that_a_system_left_on_a_card_are_left_out(tmp_path: Path) -> None:
    h264(tmp_path / "DCIM" / "100MEDIA" / "DJI_0001.MP4", 0, 8)
    (tmp_path / "logos").mkdir()
    cv2.imwrite(str(tmp_path / "logos" / "maker.png"), shown(0))
    source = read(tmp_path)
    assert names(source) == ["DJI_0001.MP4"] and "maker.png" in left_out(source)


def test_the_size_that_most_frames_have_is_the_runs(tmp_path: Path) -> None:
    h264(tmp_path / "part1.mp4", 0, 6, size=(80, 60))
    h264(tmp_path / "part2.mp4", 6, 12, rate=20)
    source = read(tmp_path)
    assert source.size == (160, 120) and {frame.image.shape for frame in source} == {(120, 160, 3)}
    times = [*np.arange(6) / 10, *(0.6 + np.arange(12) / 20)]
    assert [frame.timestamp for frame in source] == pytest.approx(times, abs=1e-3) and cuts(source) == []


@pytest.mark.slow
def test_times_that_are_all_the_same_tell_no_order(tmp_path: Path) -> None:
    for i in (10, 9, 8):
        h264(tmp_path / f"part {i}.mp4", i * 10, 10, created="2024-05-02T10:00:00Z")
    source = read(tmp_path)
    assert names(source) == ["part 8.mp4", "part 9.mp4", "part 10.mp4"] and cuts(source) == []
    assert [frame.timestamp for frame in source] == pytest.approx(np.arange(30) / 10, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_video_cut_into_files_that_overlap_is_whole_again(tmp_path: Path, suffix: str) -> None:
    write = write_clip if suffix == ".mkv" else h264
    whole = list(read(write(tmp_path / f"whole{suffix}", 0, 60)))
    for i, (first, count) in enumerate([(0, 25), (15, 30), (35, 25)]):
        write(tmp_path / "parts" / f"part{i}{suffix}", first, count)
    source = read(tmp_path / "parts")
    frames = list(source)
    assert [frame.index for frame in frames] == list(range(60)) and cuts(source) == []
    assert [frame.timestamp for frame in frames] == pytest.approx([f.timestamp for f in whole], abs=1e-3)
    if suffix == ".mkv":
        assert all((a.image == b.image).all() for a, b in zip(frames, whole, strict=True))
    assert "dropped: part1" in said(source)


@pytest.mark.slow
def test_frames_of_a_camera_that_stands_are_not_taken_for_the_same(tmp_path: Path) -> None:
    for i in range(2):
        h264(tmp_path / f"part{i}.mp4", 30, 15, step_px=0.0, noise=3.0, noise_seed=i)
    source = read(tmp_path)
    assert len(list(source)) == 30 and cuts(source) == []


@pytest.mark.slow
def test_what_cannot_be_read_is_left_out_and_the_others_are_not(tmp_path: Path) -> None:
    for i in range(3):
        h264(tmp_path / f"MOV_{i:04d}.mp4", 15 * i, 15)
    (tmp_path / "MOV_0003.mp4").write_bytes(b"")
    data = (tmp_path / "MOV_0001.mp4").read_bytes()
    (tmp_path / "MOV_0001.mp4").write_bytes(data[: len(data) // 2])
    shutil.copy(tmp_path / "MOV_0000.mp4", tmp_path / "MOV_0000 (1).mp4")
    (tmp_path / "MOV_0005.mp4").symlink_to(tmp_path / "MOV_0002.mp4")
    h264(tmp_path / "MOV_0006.mp4", 0, 5, size=(120, 160))
    source = read(tmp_path)
    assert names(source) == ["MOV_0000.mp4", "MOV_0002.mp4"] and len(list(source)) == 30
    reasons = left_out(source)
    assert "is empty (0 bytes)" in reasons["MOV_0003.mp4"] and "cut off" in reasons["MOV_0001.mp4"]
    assert reasons["MOV_0000 (1).mp4"] == f"the same as {tmp_path / 'MOV_0000.mp4'}"
    assert reasons["MOV_0005.mp4"] == f"the same as {tmp_path / 'MOV_0002.mp4'}"
    assert reasons["MOV_0006.mp4"] == "its pictures of 120x160 have another shape"


def test_a_list_comes_in_the_order_of_recording_and_says_so(tmp_path: Path) -> None:
    paths = [h264(tmp_path / f"DJI_{i:04d}.MP4", 12 * i, 12) for i in (1, 2, 3)]
    source = read(paths[::-1])
    assert names(source) == [path.name for path in paths]
    assert "in the order of their names, not as they were given" in said(source)


def test_a_list_of_names_that_tell_nothing_keeps_its_order(tmp_path: Path) -> None:
    paths = [h264(tmp_path / name, 12 * i, 12) for i, name in enumerate(("morning.mp4", "evening.mp4"))]
    source = read(paths)
    assert names(source) == ["morning.mp4", "evening.mp4"] and "not as they were given" not in said(source)


@pytest.mark.slow
def test_a_pattern_of_videos_and_two_folders(tmp_path: Path) -> None:
    for card in "ab":
        for i in (9, 10):
            h264(tmp_path / card / f"CLIP{i}.mp4", 0, 6, seed=2 * i + ord(card) % 2)
    assert names(read(f"{tmp_path}/a/*.mp4")) == ["CLIP9.mp4", "CLIP10.mp4"]
    source = read([tmp_path / "b", tmp_path / "a"])
    list(source)
    assert [file.path for file in source.files] == [str(tmp_path / c / f"CLIP{i}.mp4") for c in "ba" for i in (9, 10)]


def test_frames_of_a_sequence_are_taken_before_a_video_of_them(tmp_path: Path) -> None:
    for i in range(12):
        cv2.imwrite(str(tmp_path / f"frame_{i:04d}.png"), shown(i))
    h264(tmp_path / "preview.mp4", 0, 12)
    source = read(tmp_path)
    assert (source.kind, len(list(source))) == ("images", 12)
    assert left_out(source)["preview.mp4"].startswith("a video beside images")
    assert "preview.mp4" in said(source)


def test_photographs_that_happen_to_count_on_are_no_sequence(tmp_path: Path) -> None:
    for i in range(12):
        cv2.imwrite(str(tmp_path / f"IMG_{i:04d}.JPG"), shown(i))
    h264(tmp_path / "IMG_0012.MOV", 0, 8)
    source = read(tmp_path)
    assert names(source) == ["IMG_0012.MOV"] and len(left_out(source)) == 12


def test_proxies_are_used_where_nothing_else_is(tmp_path: Path) -> None:
    clip = h264(tmp_path / "a.mp4", 0, 6)
    clip.rename(tmp_path / "GL010001.LRV")
    assert names(read(tmp_path)) == ["GL010001.LRV"]


def test_a_camera_that_is_not_there(tmp_path: Path) -> None:
    h264(tmp_path / "a.mp4", 0, 6)
    h264(tmp_path / "b.mp4", 6, 6)
    for source in (tmp_path, tmp_path / "a.mp4"):
        with pytest.raises(FramesError, match="the input tells of no camera 'rear'"):
            read(source, camera="rear")
    cv2.imwrite(str(tmp_path / "a.png"), shown(0))
    with pytest.raises(FramesError, match="is no video of one of several cameras: leave --camera"):
        read(tmp_path / "a.png", camera="rear")


@pytest.mark.parametrize("large", [0, 1])
def test_a_second_picture_stream_is_told_and_the_largest_used(tmp_path: Path, large: int) -> None:
    import av

    path = tmp_path / "both.mkv"
    with av.open(str(path), "w") as container:
        for number in range(2):
            stream = container.add_stream("ffv1", rate=10)
            stream.width, stream.height = (160, 120) if number == large else (80, 60)
            stream.pix_fmt = "bgr0"
        for i in range(6):
            for stream in container.streams.video:
                frame = av.VideoFrame.from_ndarray(shown(i), format="rgb24")
                container.mux(stream.encode(frame.reformat(stream.width, stream.height, format="bgr0")))
        for stream in container.streams.video:
            container.mux(stream.encode(None))
    source = read(path)
    assert source.size == (160, 120) and len(list(source)) == 6
    told = f"both.mkv holds 2 picture streams: stream {large} (160x120) is used, not stream {1 - large} (80x60)"
    assert told in said(source)


@pytest.mark.slow
def test_a_part_of_several_files_may_be_asked_for(tmp_path: Path) -> None:
    for i in range(3):
        h264(tmp_path / f"part{i}.mp4", 20 * i, 20 if i == 2 else 30)
    frames = list(read(tmp_path, start=3.5, end=5.0, every=3))
    assert [frame.index for frame in frames] == [35, 38, 41, 44, 47]
    for frame in frames:
        assert np.abs(frame.image.astype(int) - shown(frame.index)).mean() < 12
    assert [frame.index for frame in read(tmp_path, fps=1.0)] == [0, 10, 20, 30, 40, 50]


@pytest.mark.slow
def test_frames_that_are_lost_where_a_file_begins_take_their_time(tmp_path: Path) -> None:
    h264(tmp_path / "a0.mp4", 0, 20)
    path = h264(tmp_path / "a1.mp4", 20, 20)
    import av

    with av.open(str(path)) as container:
        first = min((packet.pos, packet.size) for packet in container.demux(video=0) if packet.size)
    data = bytearray(path.read_bytes())
    data[first[0] : first[0] + first[1]] = bytes(first[1])
    path.write_bytes(data)
    frames = list(read(tmp_path))
    lost = 40 - len(frames)
    assert 1 <= lost <= 5
    assert [frame.timestamp for frame in frames] == pytest.approx([frame.index / 10 for frame in frames], abs=1e-3)
    assert frames[20].index == 20 + lost


def test_what_two_cameras_show_alike_is_no_copy(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "RecentClips" / "2024-05-01_12-00-00-back.mkv", 0, 4)
    front = clip.with_name("2024-05-01_12-00-00-front.mkv")
    shutil.copy(clip, front)
    source = read(tmp_path)
    assert names(source) == [front.name]
    assert left_out(source) == {clip.name: "of the rear camera"}
