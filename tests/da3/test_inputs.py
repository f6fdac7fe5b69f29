"""Image files as the network's wrapper takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from da3_stream.da3.inputs import pixels
from da3_stream.errors import ModelError
from tests.worlds.heif import heic

STORED = np.tile(np.arange(96, dtype=np.uint8)[None, :, None], (64, 1, 3)) + np.array([0, 60, 120], np.uint8)
ORIENTATION = 0x112


@pytest.mark.parametrize("orientation", [6, 8])
@pytest.mark.parametrize("suffix", ["tif", "png", "avif", "jpg"])
def test_image_files_are_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(STORED).save(tmp_path / f"a.{suffix}", exif=exif, quality=95)
    image = pixels(tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(image.astype(int), np.rot90(STORED, -1 if orientation == 6 else 1), atol=12)


@pytest.mark.parametrize("quarter_turns", [1, 2])
def test_heic_is_read(tmp_path: Path, quarter_turns: int) -> None:
    (tmp_path / "a.heic").write_bytes(heic(STORED, quarter_turns))
    np.testing.assert_allclose(pixels(tmp_path / "a.heic").astype(int), np.rot90(STORED, quarter_turns), atol=4)


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_a_file_that_is_no_image_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ModelError, match=r"a\.png is no image that can be read: "):
        pixels(tmp_path / "a.png")
