"""Panoramas are recognised, and refused with what to do; a view is cut out of an equirectangular one."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from da3_stream.errors import FramesError, SettingsError
from da3_stream.frames import open_source
from da3_stream.frames.sources.lens.panorama import ASK
from da3_stream.settings import CameraSettings, FramesSettings, Settings
from da3_stream.types import Float64, UInt8

SIZE = (512, 256)


def colours(directions: Float64) -> UInt8:
    """Colours [...,3] of unit vectors [...,3] (x right, y down, z ahead): smooth over the sphere, textured."""
    x, y, z = np.moveaxis(directions, -1, 0)
    waves = [np.sin(6 * x + 2 * y), np.sin(5 * y + z), np.sin(4 * z - 3 * x) * np.cos(7 * y)]
    return np.rint(127 + 110 * np.stack(waves, axis=-1)).astype(np.uint8)


def panorama(size: tuple[int, int] = SIZE) -> UInt8:
    """An equirectangular picture [H,W,3] of these colours."""
    width, height = size
    longitude = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    latitude = ((np.arange(height) + 0.5)[:, None] / height - 0.5) * np.pi
    ahead = np.cos(latitude)
    x, y, z = ahead * np.sin(longitude), np.sin(latitude) + 0 * longitude, ahead * np.cos(longitude)
    return colours(np.stack([x, y, z], axis=-1))


def two_discs() -> UInt8:
    """Two fisheyes [H,2H,3] on black."""
    half = np.zeros((256, 256, 3), np.uint8)
    disc = np.zeros((256, 256), np.uint8)
    cv2.circle(disc, (128, 128), 126, 1, -1)
    half[disc > 0] = 140
    return np.concatenate([half, half], axis=1)


def write_video(path: Path, picture: UInt8, container: str = "mp4") -> None:
    """Three frames of a picture."""
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream("libx264", 30)
        stream.width, stream.height, stream.pix_fmt = picture.shape[1], picture.shape[0], "yuv420p"
        for _ in range(3):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())


def open_flat(source: object) -> object:
    """Open an input without any setting of the camera."""
    return open_source(source, FramesSettings(), 256)  # type: ignore[arg-type]


def refusal(source: object) -> str:
    """The sentence with which an input is refused."""
    with pytest.raises(FramesError) as caught:
        open_flat(source)
    return str(caught.value)


@pytest.mark.parametrize("name", ["walk.mp4", "walk.360", "walk.insv"])
def test_an_equirectangular_video_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    write_video(tmp_path / name, panorama())
    assert refusal(tmp_path / name) == (
        f"'{tmp_path / name}' is an equirectangular panorama, which no pinhole sees: {ASK}"
    )


def test_equirectangular_pictures_are_refused_too(tmp_path: Path) -> None:
    for i in range(2):
        Image.fromarray(panorama()).save(tmp_path / f"{i}.png")
    assert ASK in refusal(tmp_path)
    assert ASK in refusal([panorama()])


def test_two_fisheyes_are_to_be_stitched(tmp_path: Path) -> None:
    write_video(tmp_path / "two.mp4", two_discs())
    assert "is a panorama of two fisheyes: export it as an equirectangular video" in refusal(tmp_path / "two.mp4")
    view = CameraSettings.model_validate({"panorama_view": "0,0,90"})
    with pytest.raises(FramesError, match="cuts equirectangular pictures, and this input's are two fisheyes"):
        open_source(tmp_path / "two.mp4", FramesSettings(), 256, view)


def test_the_raw_files_of_such_cameras_are_recognised(tmp_path: Path) -> None:
    write_video(tmp_path / "cube.360", np.full((64, 192, 3), 90, np.uint8))
    assert "is a panorama in the faces of a cube" in refusal(tmp_path / "cube.360")
    write_video(tmp_path / "one.insv", np.full((128, 128, 3), 90, np.uint8))
    assert "is one fisheye of a panorama" in refusal(tmp_path / "one.insv")


def test_tags_tell_a_panorama_that_shows_little(tmp_path: Path) -> None:
    plain = Image.fromarray(np.full((128, 256, 3), 90, np.uint8))
    plain.save(tmp_path / "a.jpg")
    open_flat(tmp_path / "a.jpg")
    xmp = b'<rdf:Description GPano:ProjectionType="equirectangular"/>'
    plain.save(tmp_path / "b.jpg", xmp=xmp)
    assert ASK in refusal(tmp_path / "b.jpg")


@pytest.mark.parametrize("bars", [False, True])
def test_a_wide_cinema_picture_is_no_panorama(bars: bool) -> None:
    y, x = np.mgrid[:256, :512] / 64.0
    picture = np.repeat(np.rint(127 + 60 * np.sin(3 * x + y) + 60 * np.sin(2 * y))[..., None], 3, axis=2)
    if bars:
        picture[:20] = picture[-20:] = picture[:, :20] = picture[:, -20:] = 0
    open_flat([picture.astype(np.uint8)])
    sky_and_road = np.repeat(np.linspace(200, 60, 256)[:, None, None], 512, axis=1) + 8 * np.sin(9 * x)[..., None]
    open_flat([np.repeat(sky_and_road, 3, axis=2).astype(np.uint8)])
    open_flat([np.zeros((256, 512, 3), np.uint8)])


@pytest.mark.parametrize("view", ["0,0,90", "120,0,60", "-170,35,90", "10,-80,70"])
def test_a_view_shows_what_lies_in_its_direction(tmp_path: Path, view: str) -> None:
    settings = CameraSettings.model_validate({"panorama_view": view})
    source = open_source([panorama()] * 2, FramesSettings(), None, settings)
    image = next(iter(source)).image
    yaw, pitch, hfov = map(float, view.split(","))
    height, width = image.shape[:2]
    assert source.size == (width, height) and source.camera.k is not None
    focal = source.camera.k[0, 0]
    assert focal == pytest.approx(width / 2 / np.tan(np.radians(hfov) / 2))
    assert focal == pytest.approx(SIZE[0] / (2 * np.pi), rel=0.03)  # as fine as the panorama
    x, y = (np.arange(width) + 0.5 - width / 2) / focal, (np.arange(height) + 0.5 - height / 2)[:, None] / focal
    rays = np.stack([x + 0 * y, y + 0 * x, np.ones((height, width))], axis=-1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    up, right = np.radians(pitch), np.radians(yaw)
    tilted = (
        rays[..., 1] * np.cos(up) - rays[..., 2] * np.sin(up),
        rays[..., 1] * np.sin(up) + rays[..., 2] * np.cos(up),
    )
    turned = np.stack(
        [
            rays[..., 0] * np.cos(right) + tilted[1] * np.sin(right),
            tilted[0],
            tilted[1] * np.cos(right) - rays[..., 0] * np.sin(right),
        ],
        axis=-1,
    )
    assert np.abs(image.astype(int) - colours(turned)).max() <= 3


def test_a_view_keeps_frames_and_times(tmp_path: Path) -> None:
    write_video(tmp_path / "walk.mp4", panorama())
    settings = CameraSettings.model_validate({"panorama_view": "0,0,90"})
    frames = list(open_source(tmp_path / "walk.mp4", FramesSettings(), 100, settings))
    assert [round(frame.timestamp, 3) for frame in frames] == [0.0, 0.033, 0.067]
    assert frames[0].image.shape == (75, 100, 3) and frames[0].source_size == (162, 122)


def test_a_view_of_what_is_no_panorama_is_refused() -> None:
    view = CameraSettings.model_validate({"panorama_view": "0,0,90"})
    with pytest.raises(FramesError, match="this input's are 320x240, not 2:1"):
        open_source([np.zeros((240, 320, 3), np.uint8)], FramesSettings(), None, view)


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        ("0,0", "expected yaw,pitch,hfov in degrees, such as 0,0,90, not '0,0'"),
        ("a,b,c", "expected yaw,pitch,hfov in degrees"),
        ("0,100,90", "pitch from -90 to 90 and hfov from 10 to 150, not 0,100,90"),
        ("0,0,170", "hfov from 10 to 150"),
    ],
)
def test_a_view_that_cannot_be_is_refused(view: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        Settings.build({"camera": {"panorama_view": view}})
    with pytest.raises(SettingsError, match="leave intrinsics and hfov_deg out"):
        Settings.build({"camera": {"panorama_view": "0,0,90", "hfov_deg": 80}})
