"""Masks and depth maps that lie beside pictures, as the datasets of the field lay them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from da3_stream.frames import FrameSource, open_source
from da3_stream.settings import CameraSettings, FramesSettings
from da3_stream.types import AdviceCode

ALL = FramesSettings()


def lay(folder: Path, *names: str) -> Path:
    """Files of these names: `{}` is a number from 0 to 2; masks leave out the upper half."""
    for name in names:
        for number in range(3):
            path = folder / name.format(f"{number:04d}")
            path.parent.mkdir(parents=True, exist_ok=True)
            image = np.full((32, 48, 3), 60 * (number + 1), np.uint8)
            image[:16] = 0
            if path.suffix.lower() in (".dng", ".exr", ".txt", ".heic"):
                path.write_bytes(b"as if")
            else:
                path.write_bytes(cv2.imencode(path.suffix, image[..., 0] if "mask" in name else image)[1].tobytes())
    return folder


def said(source: FrameSource) -> str:
    return " ".join(advice.text for advice in source.advice if advice.code == AdviceCode.INPUT_MASKS)


def names(source: FrameSource) -> list[str]:
    return [frame.name for frame in source]


@pytest.mark.parametrize(
    "mask", ["{}_mask.png", "{}.mask.png", "mask_{}.png", "{}-mask.png", "{}.jpg.png", "{}_MASK.png"]
)
@pytest.mark.parametrize("picture", ["{}.jpg"])
def test_masks_beside_pictures_are_masks(tmp_path: Path, picture: str, mask: str) -> None:
    source = open_source(lay(tmp_path, picture, mask), ALL)
    assert names(source) == [f"{i:04d}.jpg" for i in range(3)]
    for frame in source:
        assert frame.mask is not None and not frame.mask[:16].any() and frame.mask[16:].all()
    assert "used as masks (0: left out): 3 files beside the pictures" in said(source)


@pytest.mark.parametrize(
    ("picture", "others"),
    [
        ("frame-{}.color.png", ["frame-{}.depth.png", "frame-{}.pose.txt"]),  # 7-Scenes
        ("frame{}.jpg", ["depth{}.png"]),  # Replica
        ("IMG_{}.jpg", ["IMG_{}_depth.png", "IMG_{}_normal.png"]),
        ("{}.jpg", ["{}.exr"]),
        ("rgb_{}.png", ["depth_{}.png", "instance_{}.png"]),
    ],
)
def test_depth_maps_beside_pictures_are_left_out(tmp_path: Path, picture: str, others: list[str]) -> None:
    source = open_source(lay(tmp_path, picture, *others), ALL)
    assert names(source) == [picture.format(f"{i:04d}") for i in range(3)]
    assert all(frame.mask is None for frame in source)
    images = [name for name in others if not name.endswith(".txt")]
    assert len(source.left_out) == 3 * len(images) and "map" in source.left_out[0].reason
    assert "not taken for pictures" in said(source)


@pytest.mark.parametrize("home", ["images", "rgb", "color"])
@pytest.mark.parametrize("masks", ["masks/{}.png", "masks/{}.jpg.png", "mask/{}_mask.png", "HOME/masks/{}.png"])
def test_a_folder_of_masks_beside_the_folder_is_used(tmp_path: Path, home: str, masks: str) -> None:
    lay(tmp_path, home + "/{}.jpg", masks.replace("HOME", home), "depths/{}.png")
    source = open_source(tmp_path / home, ALL)
    assert names(source) == [f"{i:04d}.jpg" for i in range(3)]
    assert all(frame.mask is not None and not frame.mask[:16].any() for frame in source)
    assert "used as masks" in said(source)


@pytest.mark.parametrize(
    ("picture", "others"),
    [
        ("images/frame_{}.jpg", ["depths/frame_{}.png", "masks/frame_{}.png", "images_2/frame_{}.jpg"]),  # nerfstudio
        ("color/{}.jpg", ["depth/{}.png", "pose/{}.txt"]),  # ScanNet
        ("rgb/130{}.1.png", ["depth/130{}.2.png"]),  # TUM: times that differ
        ("results/frame{}.jpg", ["results/depth{}.png"]),  # Replica
    ],
)
def test_the_folder_of_a_dataset_is_its_pictures(tmp_path: Path, picture: str, others: list[str]) -> None:
    source = open_source(lay(tmp_path, picture, *others), ALL)
    assert names(source) == [Path(picture).name.format(f"{i:04d}") for i in range(3)]
    assert all((frame.mask is not None) == any("masks" in name for name in others) for frame in source)
    assert source.size == (48, 32) and len(source.left_out) >= 3


@pytest.mark.parametrize("pattern", ["**/*.png", "*/*"])
@pytest.mark.parametrize("home", ["rgb", "images"])
def test_a_pattern_over_folders_takes_the_pictures(tmp_path: Path, home: str, pattern: str) -> None:
    lay(tmp_path, home + "/{}.png", "depth/{}.png", "masks/{}.png")
    source = open_source(str(tmp_path / pattern), ALL)
    assert names(source) == [f"{i:04d}.png" for i in range(3)]
    assert len(source.left_out) == 3 and all(frame.mask is not None for frame in source)


def test_paths_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, "images/{}.png", "depth/{}.png", "masks/{}.png", "images_4/{}.png")
    monkeypatch.chdir(tmp_path)
    for given in ("*/*.png", "images", "."):
        source = open_source(given, ALL)
        assert len(names(source)) == 3 and all(frame.mask is not None for frame in source)


@pytest.mark.parametrize("words", ["off", ("off",)])
def test_off_uses_no_mask_but_takes_none_for_a_picture(tmp_path: Path, words: str | tuple[str, ...]) -> None:
    lay(tmp_path, "{}.jpg", "{}_mask.png")
    source = open_source(tmp_path, ALL, camera=CameraSettings(mask=words))
    assert len(names(source)) == 3 and all(frame.mask is None for frame in source)
    assert "not used" in said(source)


@pytest.mark.parametrize("name", ["mask{}.png", "depth_{}.png", "{}_depth.png", "frame{}.png", "label-{}.png"])
def test_pictures_that_are_only_called_so_are_pictures(tmp_path: Path, name: str) -> None:
    source = open_source(lay(tmp_path, name), ALL)
    assert names(source) == [name.format(f"{i:04d}") for i in range(3)] and said(source) == ""


@pytest.mark.parametrize("name", ["mask.png", "masks/rig_mask.png"])
def test_a_mask_that_is_nobodys_is_no_frame(tmp_path: Path, name: str) -> None:
    lay(tmp_path / "images", "{}.jpg")
    lay(tmp_path / "images" if name == "mask.png" else tmp_path, name)
    assert len(names(open_source(tmp_path / "images", ALL))) == 3


@pytest.mark.parametrize("raw", ["IMG_{}.DNG", "IMG_{}.heic"])
def test_a_photograph_is_taken_once(tmp_path: Path, raw: str) -> None:
    source = open_source(lay(tmp_path, "IMG_{}.JPG", raw), ALL)
    assert names(source) == [f"IMG_{i:04d}.JPG" for i in range(3)]
    assert [entry.reason for entry in source.left_out] == ["the same photograph as its jpg"] * 3


def test_some_masks_missing_is_said(tmp_path: Path) -> None:
    lay(tmp_path, "{}.jpg", "{}_mask.png")
    (tmp_path / "0001_mask.png").unlink()
    source = open_source(tmp_path, ALL)
    assert [frame.mask is None for frame in source] == [False, True, False]
    assert "1 of 3 frames have no mask" in said(source)


def test_the_case_with_masks(shared: Path) -> None:
    source = open_source(shared / "cases/inputs/with_masks", ALL)
    frames = list(source)
    assert [frame.name for frame in frames] == [f"{i:03d}.png" for i in range(24)]
    for frame in frames:
        stored = cv2.imread(str(shared / f"cases/inputs/with_masks/{frame.index:03d}_mask.png"), cv2.IMREAD_UNCHANGED)
        assert frame.mask is not None and np.array_equal(frame.mask, stored > 0)
    assert "used as masks" in said(source)
