"""Gaussians in files: the original's table, other readers, and what cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from torch import Tensor

from da3_stream.da3 import Network
from da3_stream.da3.gaussians import Gaussians, write_ply
from da3_stream.errors import ModelError
from tests.da3.conftest import as_input

LIMITS = {"opacity": 1e-4, **dict.fromkeys(["scale_0", "scale_1", "scale_2"], 3e-4)}
ROTATION = slice(13, 17)

Clip = tuple[Gaussians[Tensor], Tensor]


@pytest.fixture(scope="module")
def clip(goldens: Path, network: Callable[[str], Network]) -> Clip:
    """What the vectors of the file are made of."""
    pictures = np.load(goldens / "tinygs_n3.npz")["in_images_u8"]
    out = network("tinygs").forward(as_input(pictures), gaussians=True)
    assert out.gaussians is not None
    return out.gaussians, out.depth


@pytest.fixture(scope="module")
def known(goldens: Path) -> Any:
    return np.load(goldens / "unit_gs_ply.npz")


def table(path: Path, columns: int = 17) -> np.ndarray:
    header, rows = path.read_bytes().split(b"end_header\n", 1)
    assert b"format binary_little_endian 1.0\n" in header
    return np.frombuffer(rows, "<f4").reshape(-1, columns)


def test_the_file_is_the_originals(clip: Clip, known: Any, tmp_path: Path) -> None:
    assert write_ply(tmp_path / "a.ply", *clip) == len(known["table"])
    assert (tmp_path / "a.ply").read_bytes().startswith(bytes(known["header"]))
    found, expected = table(tmp_path / "a.ply"), known["table"]
    for i, name in enumerate(known["properties"][:13]):
        limit = LIMITS.get(name, 3e-5) * max(float(np.abs(expected[:, i]).max()), 1e-12)
        np.testing.assert_allclose(found[:, i], expected[:, i], rtol=0, atol=limit, err_msg=name)
    sign = np.sign((found[:, ROTATION] * expected[:, ROTATION]).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(sign * found[:, ROTATION], expected[:, ROTATION], atol=3e-4)


@pytest.mark.parametrize("interval", [2, None])
def test_some_frames_are_left_out(interval: int | None, clip: Clip, known: Any, tmp_path: Path) -> None:
    assert write_ply(tmp_path / "a.ply", *clip, interval) == known[f"rows_interval{interval}"]
    ends = table(tmp_path / "a.ply")[[0, -1], :13]
    np.testing.assert_allclose(ends, known[f"first_last_interval{interval}"][:, :13], rtol=1e-3, atol=1e-4)


def test_all_bands_are_read_by_trimesh_in_the_viewers_order(clip: Clip, known: Any, tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", *clip, all_bands=True)
    cloud = trimesh.load(tmp_path / "a.ply")
    np.testing.assert_array_equal(cloud.vertices.astype(np.float32), table(tmp_path / "a.ply", 41)[:, :3])
    read = cloud.metadata["_ply_raw"]["vertex"]["data"]
    kept = clip[0].harmonics[0].numpy()[known["kept"]]
    np.testing.assert_array_equal(read["f_rest_0"].ravel(), kept[:, 0, 1])  # red, first coefficient of degree 1
    np.testing.assert_array_equal(read["f_rest_8"].ravel(), kept[:, 1, 1])
    np.testing.assert_array_equal(read["f_rest_23"].ravel(), kept[:, 2, 8])


def small(count: int = 1, height: int = 4, width: int = 5) -> tuple[Gaussians[np.ndarray], np.ndarray]:
    g = count * height * width
    scales, rotations = np.full((g, 3), 0.1, np.float32), np.tile(np.float32([1, 0, 0, 0]), (g, 1))
    means, colours = np.zeros((g, 3), np.float32), np.zeros((g, 3, 9), np.float16)
    made = Gaussians(means, scales, rotations, colours, np.full(g, 0.5, np.float32))
    return made, np.arange(g, dtype=np.float32).reshape(count, height, width)


def test_small_pictures_are_written_without_a_border(tmp_path: Path) -> None:
    assert write_ply(tmp_path / "a.ply", *small()) == 18  # the nearest nine tenths of 20


def test_what_has_no_logarithm_is_left_out_or_bounded(tmp_path: Path) -> None:
    made, depth = small()
    made.scales[0, 1], made.scales[1], made.opacities[2], made.means[3, 0] = 0, -1, 1, np.nan
    assert write_ply(tmp_path / "a.ply", made, depth) == 15
    made.rotations[4, 1], made.harmonics[5, 0, 3], depth[0, 3, 4] = np.nan, np.inf, np.nan
    assert write_ply(tmp_path / "a.ply", made, depth) == 12  # a pixel without depth leaves the others in
    made.opacities[:15] = np.nan
    assert write_ply(tmp_path / "a.ply", made, depth) == 2
    assert write_ply(tmp_path / "b.ply", made, np.full_like(depth, np.nan)) == 0
    assert np.isfinite(table(tmp_path / "a.ply")).all()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    made, depth = small(2)
    two = Gaussians(**{name: np.stack([values, values]) for name, values in vars(made).items()})
    cases: dict[str, tuple[Any, ...]] = {
        "40 Gaussians do not fit 20 pixels": (tmp_path / "a.ply", made, depth[:1]),
        "one clip goes into a file, not 2": (tmp_path / "a.ply", two, depth),
        r"depth must be \[N,H,W\]": (tmp_path / "a.ply", made, depth[0, 0]),
        "must be 1 or more, not 0": (tmp_path / "a.ply", made, depth, 0),
        "cannot write .*: No such file": (tmp_path / "nowhere" / "a.ply", made, depth),
        "the means of 40 Gaussians are": (tmp_path / "a.ply", replace(made, means=made.means[:-1]), depth),
        "the harmonics of 40 Gaussians are": (tmp_path / "a.ply", replace(made, harmonics=made.means), depth),
        "do not fit": (tmp_path / "a.ply", replace(made, opacities=made.opacities[:-1]), depth),
    }
    for sentence, arguments in cases.items():
        with pytest.raises(ModelError, match=sentence):
            write_ply(*arguments)
    assert list(tmp_path.iterdir()) == []
