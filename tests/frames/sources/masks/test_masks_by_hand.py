"""Masks that a user gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from da3_stream.errors import FramesError, SettingsError
from da3_stream.frames import FrameSource, MaskedFrames, open_source
from da3_stream.settings import CameraSettings, FramesSettings, load_settings
from da3_stream.types import AdviceCode
from tests.frames.conftest import HEIGHT, WIDTH

Write = Callable[..., Path]
ALL = FramesSettings()
LEFT = np.s_[:, : WIDTH // 4]


def mask_image(number: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT), inside: int = 255) -> NDArray[np.uint8]:
    """Leaves out the left quarter, and `number` rows of pixels at the top."""
    mask = np.full((size[1], size[0]), inside, np.uint8)
    mask[:, : size[0] // 4] = 0
    mask[:number] = 0
    return mask


def write_masks(folder: Path, names: list[str]) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, mask_image(number))[1].tobytes())
    return folder


def open_with(source: object, *masks: object) -> FrameSource:
    words = [str(mask) for mask in masks]
    return open_source(source, ALL, camera=CameraSettings(mask=words))  # type: ignore[arg-type]


def said(source: FrameSource) -> list[str]:
    return [advice.text for advice in source.advice if advice.code == AdviceCode.INPUT_MASKS]


@pytest.mark.parametrize(("inside", "share"), [(255, "25%"), (0, "75%")])
def test_how_much_masks_leave_out_is_said(tmp_path: Path, write_images: Write, inside: int, share: str) -> None:
    mask = np.full((HEIGHT, WIDTH), inside, np.uint8)
    mask[LEFT] = 255 - inside
    cv2.imwrite(str(tmp_path / "m.png"), mask)
    (text,) = said(open_with(write_images(["1.png", "2.png"]), tmp_path / "m.png"))
    assert text.startswith(f"masks leave out {share} of the first picture")
    assert ("the other way round" in text) == (share == "75%")


def refused(source: object, *masks: object) -> str:
    with pytest.raises(FramesError) as caught:
        open_with(source, *masks)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
@pytest.mark.parametrize("of", ["images", "video", "arrays"])
def test_one_image_masks_all_frames(
    tmp_path: Path, write_images: Write, write_video: Write, of: str, suffix: str
) -> None:
    path = tmp_path / f"rig.{suffix}"
    cv2.imwrite(str(path), mask_image())
    source = {
        "images": lambda: write_images(["1.png", "2.png"]),
        "video": lambda: write_video(count=4),
        "arrays": lambda: [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 3,
    }[of]()
    frames = list(open_with(source, path))
    assert len(frames) >= 2
    for frame in frames:
        assert frame.mask is not None and np.array_equal(frame.mask, mask_image() > 0)
        assert frame.mask is frames[0].mask  # kept once


@pytest.mark.parametrize("image_side", [48, 20])
def test_a_mask_that_frames_share_is_kept_once_though_they_shrink(
    tmp_path: Path, write_images: Write, image_side: int
) -> None:
    cv2.imwrite(str(tmp_path / "m.png"), mask_image())
    camera = CameraSettings(mask=str(tmp_path / "m.png"))
    frames = list(open_source(write_images(["1.png", "2.png"]), ALL, image_side, camera))
    assert frames[0].mask is frames[1].mask and frames[0].mask is not None
    assert frames[0].mask.shape == frames[0].image.shape[:2]


@pytest.mark.parametrize("inside", [1, 255])
@pytest.mark.parametrize("size", [(WIDTH // 2, HEIGHT // 2), (WIDTH * 3, HEIGHT * 3)])
def test_a_mask_of_another_size_is_resized(
    tmp_path: Path, write_images: Write, size: tuple[int, int], inside: int
) -> None:
    cv2.imwrite(str(tmp_path / "m.png"), mask_image(size=size, inside=inside))
    frame = next(iter(open_with(write_images(["1.png"]), tmp_path / "m.png")))
    assert frame.mask is not None and np.array_equal(frame.mask, mask_image() > 0)


@pytest.mark.parametrize("name", ["{}.png", "{}.png.png", "{}_mask.png", "{}.mask.png", "mask_{}.png", "{}-mask.jpg"])
def test_a_folder_of_masks_goes_by_names(tmp_path: Path, write_images: Write, name: str) -> None:
    images = write_images(["left1.png", "left2.png", "left10.png"])
    masks = write_masks(tmp_path / "m", [name.format(stem) for stem in ("left1", "left2", "left10")])
    for where in (masks, masks / "*"):
        for number, frame in enumerate(open_with(images, where)):
            assert frame.mask is not None and np.array_equal(frame.mask, mask_image(number) > 0)


def test_masks_in_folders_go_by_their_folders(tmp_path: Path, write_images: Write) -> None:
    write_images(["1.png"], folder="a")
    write_images(["1.png"], folder="b")
    masks = write_masks(tmp_path / "m", ["b/1.png.png", "a/1.png.png"])
    frames = list(open_with(str(tmp_path / "[ab]/*.png"), masks))
    assert [frame.name for frame in frames] == ["a/1.png", "b/1.png"]
    assert [(~frame.mask[:, -1]).sum() for frame in frames if frame.mask is not None] == [1, 0]


@pytest.mark.parametrize("names", [["000000.png", "000001.png", "000002.png"], ["m_0.png", "m_1.png", "m_2.png"]])
def test_masks_of_a_video_go_by_numbers(tmp_path: Path, write_video: Write, names: list[str]) -> None:
    source = open_with(write_video(count=5), write_masks(tmp_path / "m", names))
    frames = list(source)
    assert [frame.mask is not None for frame in frames] == [True] * 3 + [False] * 2
    assert [(~frame.mask[:, -1]).sum() for frame in frames[:3] if frame.mask is not None] == [0, 1, 2]
    assert "2 of 5 frames have no mask" in said(source)[0] and "clip_000003" in said(source)[0]


@pytest.mark.parametrize("count", [3, 5])
def test_masks_of_a_video_may_count_from_one(tmp_path: Path, write_video: Write, count: int) -> None:
    masks = write_masks(tmp_path / "m", [f"{i:04d}.png" for i in range(1, count + 1)])
    source = open_with(write_video(count=count), masks)
    assert [(~frame.mask[:, -1]).sum() for frame in source if frame.mask is not None] == list(range(count))
    assert "count from 1" in said(source)[0]


def test_masks_of_several_videos_go_by_their_names(tmp_path: Path, write_video: Write) -> None:
    videos = [write_video("a.mp4", count=3), write_video("b.mp4", count=4)]  # of which three repeat a.mp4
    masks = write_masks(tmp_path / "m", ["a_000001.png", "b_000003.png"])
    source = open_with(videos, "off", masks)
    assert {frame.name for frame in source if frame.mask is not None} == {"a_000001", "b_000003"}
    assert "2 of 4 frames have no mask" in said(source)[0]
    assert "belongs to a frame" in refused(videos, write_masks(tmp_path / "n", ["c.png"]))


def test_pictures_without_a_mask_count_and_are_said(tmp_path: Path, write_images: Write) -> None:
    source = open_with(write_images(["1.png", "2.png", "3.png"]), write_masks(tmp_path / "m", ["2.png"]))
    assert [frame.mask is None for frame in source] == [True, False, True]
    assert said(source) == [f"2 of 3 frames have no mask in '{tmp_path / 'm'}' (1.png, 3.png): all of them counts"]


def test_several_masks_count_together(tmp_path: Path, write_images: Write) -> None:
    cv2.imwrite(
        str(tmp_path / "top.png"),
        np.repeat([[0], [255]], HEIGHT // 2, axis=0).astype(np.uint8) * np.ones((1, WIDTH), np.uint8),
    )
    masks = write_masks(tmp_path / "m", ["1.png", "2.png"])
    frames = list(open_with(write_images(["1.png", "2.png"]), "off", masks, tmp_path / "top.png"))
    for frame in frames:
        assert frame.mask is not None and not frame.mask[LEFT].any() and not frame.mask[: HEIGHT // 2].any()
        assert frame.mask[HEIGHT // 2 :, WIDTH // 4 :].all()


def test_masks_that_leave_nothing_together_are_said(tmp_path: Path, write_images: Write) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), mask_image())
    cv2.imwrite(str(tmp_path / "b.png"), 255 - mask_image())
    assert "its masks leave out all of it" in refused(write_images(["1.png"]), tmp_path / "a.png", tmp_path / "b.png")


@pytest.mark.parametrize("names", [["1.png", "2.png"], ["0001.png", "0002.png"]])
def test_masks_for_other_pictures_are_refused(tmp_path: Path, write_images: Write, names: list[str]) -> None:
    masks = write_masks(tmp_path / "m", names)
    assert "belongs to a frame" in refused(write_images(["a1.png", "a2.png"]), masks)


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT // 2), (50, 50)])
def test_a_mask_of_another_shape_is_refused(tmp_path: Path, write_images: Write, size: tuple[int, int]) -> None:
    cv2.imwrite(str(tmp_path / "m.png"), mask_image(size=size))
    assert f"is {size[0]}x{size[1]}, another shape than the picture's 96x64" in refused(
        write_images(["1.png", "2.png"]), tmp_path / "m.png"
    )


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: path.write_bytes(b""), "empty file"),
        (lambda path: path.write_bytes(b"text"), "cannot be decoded"),
        (lambda path: cv2.imwrite(str(path), np.zeros((HEIGHT, WIDTH), np.uint8)), "leaves out all"),
    ],
)
def test_a_bad_mask_is_refused_or_its_frame_skipped(
    tmp_path: Path, write_images: Write, write: Callable[[Path], object], reason: str
) -> None:
    images = write_images(["1.png", "2.png", "3.png"])
    masks = write_masks(tmp_path / "m", ["1.png", "2.png", "3.png"])
    write(masks / "2.png")
    assert reason in refused(images, masks / "2.png")
    frames = list(open_with(images, masks))
    assert [frame.index for frame in frames] == [0, 2]
    assert reason in frames[1].skipped_before[0].reason and "2.png" in frames[1].skipped_before[0].reason


@pytest.mark.parametrize("name", ["gone.png", "gone", "gone/*.png"])
def test_masks_that_are_not_there_are_refused(tmp_path: Path, write_images: Write, name: str) -> None:
    assert "mask" in refused(write_images(["1.png"]), tmp_path / name)


def test_a_folder_without_masks_and_a_file_that_is_none_are_refused(tmp_path: Path, write_images: Write) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no mask")
    images = write_images(["1.png"])
    assert "holds no images" in refused(images, tmp_path / "empty")
    assert "is no image" in refused(images, tmp_path / "notes.txt")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("auto", "auto"),
        ("off", "off"),
        ("false", "off"),
        ("rig.png", "rig.png"),
        ("[off]", "off"),
        ("[off, a.png]", ("off", "a.png")),
        ("[a.png, 'm/*.png']", ("a.png", "m/*.png")),
    ],
)
def test_the_setting_is_a_word_or_a_list(given: str, kept: object) -> None:
    camera = load_settings(None, [f"camera.mask={given}"]).camera
    assert camera.mask == kept
    assert camera.mask_off == ("off" in (kept if isinstance(kept, tuple) else (kept,)))


@pytest.mark.parametrize("given", ["[auto, off]", "[]", "3", "''", "[off, '']"])
def test_a_setting_that_makes_no_sense_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match=r"camera\.mask"):
        load_settings(None, [f"camera.mask={given}"])


def test_the_masks_found_and_by_hand_count_together_and_stay_apart(tmp_path: Path, write_images: Write) -> None:
    cv2.imwrite(str(tmp_path / "m.png"), mask_image())
    frames = list(MaskedFrames(open_with(write_images([f"{i}.png" for i in range(4)]), tmp_path / "m.png")))
    assert all(frame.mask is not None and frame.static_mask is None for frame in frames)
