"""Bad inputs get one sentence that says what is wrong and what to do."""

from __future__ import annotations

import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from da3_stream.errors import FramesError
from da3_stream.frames import open_source
from da3_stream.frames.sources.cards.search import LOOKED_FOR
from da3_stream.settings import FramesSettings

Write = Callable[..., Path]


def sentence(source: object) -> str:
    with pytest.raises(FramesError) as caught:
        open_source(source, FramesSettings())  # type: ignore[arg-type]
    text = str(caught.value)
    assert "\n" not in text
    return text


def write_sound(path: Path, codec: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), format="s16", layout="mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_missing_path(tmp_path: Path) -> None:
    path = tmp_path / "gone.mp4"
    assert sentence(path) == f"there is no video, image or folder '{path}': check the path"


def test_an_empty_name() -> None:
    assert sentence("").startswith("the name of the input is empty: give videos or images,")


def test_a_name_that_is_too_long() -> None:
    name = "a" * 5000
    assert sentence(name) == f"'{name}' cannot be opened (File name too long): check the path and its permissions"


def test_an_address() -> None:
    kinds = "rtsp, rtsps, rtmp, http, https, rtp, udp, tcp, srt"
    expected = f"'ftp://camera/1' is an address of a kind that is not read: give one of {kinds}, or a file"
    assert sentence("ftp://camera/1") == expected


def test_a_folder_without_footage(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert sentence(tmp_path) == f"'{tmp_path}' holds no video and no image: looked for {LOOKED_FOR}"


def test_a_folder_of_videos_that_cannot_be_read(tmp_path: Path) -> None:
    for name in ("b.MP4", "a.mov"):
        (tmp_path / name).write_bytes(name.encode())
    why = f"'{tmp_path / 'a.mov'}' is not a video file that can be read: "
    assert sentence(tmp_path).startswith(f"none of the 2 videos of '{tmp_path}' can be used, the first: {why}")


def test_a_folder_of_a_folder_of_videos_and_one_of_images(write_images: Write, write_video: Write) -> None:
    folder = write_images(["1.png"])
    (folder.parent / "clips").mkdir()
    video = write_video("clips/a.mp4", count=2)
    where = f"videos in '{video.parent}' and images in '{folder}'"
    assert sentence(folder.parent) == f"the folder '{folder.parent}' holds {where}: give one of them"


def test_a_folder_of_a_folder_of_images(write_images: Write) -> None:
    folder = write_images(["1.png"])
    expected = f"the folder '{folder.parent}' holds no images itself, but a folder of them: give '{folder}'"
    assert sentence(folder.parent) == expected


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    assert sentence(f"{tmp_path}/*.png") == f"no file matches '{tmp_path}/*.png': check the pattern"


def test_a_pattern_that_matches_no_footage(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("hello")
    assert sentence(f"{tmp_path}/*") == f"'{tmp_path}/*' holds no video and no image: looked for {LOOKED_FOR}"


def test_a_missing_image_among_several(write_images: Write, tmp_path: Path) -> None:
    image = write_images(["1.png"]) / "1.png"
    gone = tmp_path / "2.png"
    assert sentence([image, gone]) == f"there is no video, image or folder '{gone}': check the path"


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"")
    assert sentence(path) == f"'{path}' is empty (0 bytes): copy or download it again"


def test_text_named_like_a_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("This is no video.\n" * 100)
    why = "Invalid data found when processing input"
    assert sentence(path) == f"'{path}' is not a video file that can be read: {why}; give a video or images"


def test_a_text_file_is_not_drawn(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("This is no video.\n" * 100)
    assert sentence(path) == f"'{path}' is not a video file but text: give a video or images"


def test_a_video_whose_index_was_never_written(write_video: Write) -> None:
    path = write_video()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert sentence(path) == (
        f"'{path}' is not a video file that can be read: it was cut off before its index (moov) was written; "
        "record or copy it again, or repair it with a tool such as untrunc"
    )


def test_sound_without_pictures(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.mp4", "aac")
    assert sentence(path) == f"'{path}' has no video stream (only audio): give a file with moving pictures"
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(4000))
    assert "has no video stream (only audio)" in sentence(tmp_path / "a.wav")


def test_a_video_without_one_good_frame(write_video: Write) -> None:
    path = write_video("a.mov", codec="mjpeg", count=2)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for position, size in places:
        data[position : position + size] = bytes(size)
    path.write_bytes(data)
    assert sentence(path) == (
        f"'{path}' has no usable frame (none of 2 could be used, the first, a_000000: cannot be decoded): "
        "give a video or images that can be read"
    )


def test_one_image_that_cannot_be_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("no image")
    why = "a.png: cannot be decoded as an image"
    assert sentence(path) == f"'{path}' has no usable frame ({why}): give a video or images that can be read"


@pytest.mark.parametrize(
    ("source", "start"),
    [
        (5.0, "an object of type float is no source of frames: give"),
        (True, "an object of type bool is no source of frames: give"),
        (None, "an object of type NoneType is no source of frames: give"),
        (b"clip.mp4", "an object of type bytes is no source of frames: give"),
        ([], "an empty list holds no frame: give"),
        (
            np.zeros((4, 6, 3), np.uint8),
            "an array of shape [4, 6, 3] is no sequence of images: put one image into a list",
        ),
        (iter(()), "'tuple_iterator of arrays' holds no frame: give"),
        ([1, 2], "'list of arrays' has no usable frame (none of 2 could be used, the first, array_000000: type int,"),
    ],
)
def test_objects_that_hold_no_frames(source: object, start: str) -> None:
    assert sentence(source).startswith(start)


@pytest.mark.slow
def test_opening_the_room_imports_no_decoder() -> None:
    rooms = "sys, da3_stream.frames, da3_stream.calibration"
    code = f"import {rooms}; print([name for name in ('cv2', 'av', 'PIL') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
