"""`gs_ply` and `spz` of a run that keeps splats, and of one that does not: what is in the files, in tiles, in axes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from da3_stream import Settings, pipeline
from da3_stream.errors import ExportError
from da3_stream.export.exporting import export_run
from da3_stream.export.splats.spz import write_spz
from da3_stream.splats import world_splats
from da3_stream.store import RunReader
from da3_stream.types.splat_rows import splat_properties, splat_rows
from tests.export.table.splats import columns, read_spz
from tests.splats.splat_street import OPACITY, SplatStandIn
from tests.splats.test_packing import some
from tests.worlds.exported_run import off_the_street, whole_run
from tests.worlds.street_predictor import pictures

SETTINGS = Settings.build({"windows": {"size": 6, "overlap": 2}, "splats": {"gaussians": True}})
XYZ = ["x", "y", "z"]
REST = [f"f_rest_{k}" for k in range(24)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipeline.run(pictures(10), tmp_path_factory.mktemp("run") / "run", SETTINGS, SplatStandIn(floats=True))


@pytest.fixture(scope="module")
def kept(run: Path) -> np.ndarray:
    """The rows of all that the run keeps, in its world."""
    reader = RunReader.open(run)
    all_of = [g for k in reader.geometry.submaps for _, g in world_splats(reader.run, reader.geometry, k)]
    return np.concatenate([splat_rows(gaussians, 8) for gaussians in all_of])


def exported(run: Path, path: Path, format: str = "gs_ply", **options: Any) -> tuple[Path, dict[str, Any]]:
    folder = export_run(run, format, path / format, options).path
    return folder, json.loads((folder / "tiles.json").read_text())


def vertices(file: Path) -> Any:
    return trimesh.load(file).metadata["_ply_raw"]["vertex"]["data"]


def in_order(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows[:, :3].T)]


@pytest.mark.slow
def test_a_file_holds_all_of_them_with_every_band(run: Path, kept: np.ndarray, tmp_path: Path) -> None:
    folder, told = exported(run, tmp_path, fusion="off")
    assert [entry["file"] for entry in told["tiles"]] == ["0000.ply"] and told["splats"] == len(kept)
    assert told["note"] == "splats: of the network" and told["degree"] == 2
    found = columns(vertices(folder / "0000.ply"), splat_properties(8))
    np.testing.assert_array_equal(in_order(found.astype(np.float32)), in_order(kept))
    opacity = 1 / (1 + np.exp(-found[:, splat_properties(8).index("opacity")]))
    np.testing.assert_allclose(opacity, OPACITY, atol=0.002)


@pytest.mark.slow
def test_what_later_views_see_through_goes(run: Path, kept: np.ndarray, tmp_path: Path) -> None:
    folder, told = exported(run, tmp_path)
    assert told["splats"] <= len(kept)
    floating = [(off_the_street(rows) > 0.1).sum() for rows in (kept[:, :3], points(folder))]
    assert floating[1] <= floating[0] and told["splats"] > 0.98 * len(kept)


def points(folder: Path) -> np.ndarray:
    return np.concatenate([columns(vertices(file), XYZ) for file in sorted(folder.glob("*.ply"))])


def test_tiles_are_apart_and_together_all(run: Path, tmp_path: Path) -> None:
    folder, told = exported(run, tmp_path, splats_in_tile=1500, degree=0)
    assert len(told["tiles"]) > 2 and told["degree"] == 0
    assert sum(entry["splats"] for entry in told["tiles"]) == told["splats"] == len(points(folder))
    assert max(entry["splats"] for entry in told["tiles"]) < 2 * 1500
    assert not set(REST) & set(vertices(folder / "0000.ply").dtype.names)


@pytest.mark.slow
def test_frames_axes_and_a_crop_are_as_of_other_formats(run: Path, kept: np.ndarray, tmp_path: Path) -> None:
    folder, _ = exported(run, tmp_path / "a", frames="2:4", fusion="off")
    assert 0.15 < len(points(folder)) / len(kept) < 0.25
    folder, _ = exported(run, tmp_path / "b", crop="box:-9,-9,2,9,9,4", fusion="off")
    inside = (kept[:, 2] >= 2) & (kept[:, 2] <= 4)
    assert 0 < len(points(folder)) == inside.sum()
    folder, told = exported(run, tmp_path / "c", axes="upright", fusion="off")
    turn = np.array(told["file_from_world"])[:3, :3]
    np.testing.assert_allclose(in_order(points(folder) @ turn), in_order(kept[:, :3]), atol=1e-4)
    with pytest.raises(ExportError, match="no splat lies in box"):
        exported(run, tmp_path / "d", crop="box:100,100,100,101,101,101")


@pytest.fixture
def gsply() -> Any:
    """The package that writes SPZ, which is 200 MB with what it needs, and not among those of development."""
    return pytest.importorskip("gsply", reason="the extra spz is not installed")


def test_spz_holds_the_same_right_up_and_back(gsply: Any, run: Path, tmp_path: Path) -> None:
    ply, _ = exported(run, tmp_path, axes="world")
    folder, told = exported(run, tmp_path, "spz", axes="world")
    assert told["up"] == "y" and told["tiles"][0]["origin"] == [0, 0, 0]
    found, expected = read_spz(folder / "0000.spz"), vertices(ply / "0000.ply")
    np.testing.assert_allclose(found["means"] * [1, -1, -1], columns(expected, XYZ), atol=2e-4)
    scales = np.exp(columns(expected, [f"scale_{k}" for k in range(3)]))
    np.testing.assert_allclose(found["scales"], scales, rtol=0.04)
    np.testing.assert_allclose(found["opacity"], OPACITY, atol=0.005)
    dc = columns(expected, [f"f_dc_{k}" for k in range(3)])
    np.testing.assert_allclose(found["dc"], dc, atol=0.5 / 255 / 0.15 + 1e-6)
    rest = columns(expected, REST).reshape(-1, 3, 8)  # turned by half a turn about x: y and z change their signs
    signs = np.array([-1, -1, 1, -1, 1, 1, -1, 1])
    np.testing.assert_allclose(found["rest"].transpose(0, 2, 1), (rest * signs).clip(-1, 127 / 128), atol=0.01)


def test_far_coordinates_count_from_an_origin_and_small_ones_are_finer(gsply: Any, tmp_path: Path) -> None:
    rows = splat_rows(some(2000, 0), 0)
    rows[:, :3] = np.random.default_rng(0).uniform(-9000, 9000, (2000, 3))
    rows[0, :3] = 8388.6  # where SPZ wraps
    told = write_spz(tmp_path, 7, rows, 0)
    assert told[0]["file"] == "0007.spz" and sum(entry["splats"] for entry in told) == 2000
    read = [read_spz(tmp_path / entry["file"])["means"] for entry in told]
    assert max(np.abs(means).max() for means in read) < 2048
    together = np.concatenate([means + entry["origin"] for means, entry in zip(read, told, strict=True)])
    np.testing.assert_allclose(in_order(together), in_order(rows[:, :3].astype(float)), atol=1e-3)
    rows[:, :3] /= 1e5
    write_spz(tmp_path, 0, rows, 0)
    np.testing.assert_allclose(read_spz(tmp_path / "0000.spz")["means"], rows[:, :3], atol=0.6 / 65536)


def test_a_run_without_splats_gives_initial_ones(run: Path, tmp_path: Path) -> None:
    folder, told = exported(run, tmp_path, source="cloud", max_points=200, voxel=0.02)
    assert told["note"].startswith("initial splats: of the merged cloud") and told["splats"] == 200
    header = (folder / "0000.ply").read_bytes().split(b"end_header")[0]
    assert b"comment initial splats: of the merged cloud, not of a network" in header
    assert np.quantile(off_the_street(points(folder)), 0.95) < 0.05


def test_what_cannot_be_had_is_said(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = whole_run(tmp_path / "plain").path
    with pytest.raises(ExportError, match="keeps no splats: run again with --gaussians"):
        exported(plain, tmp_path, source="run")
    with pytest.raises(ExportError, match="voxel is for initial splats"):
        exported(run, tmp_path, voxel=0.1)
    monkeypatch.setitem(sys.modules, "gsply", None)
    with pytest.raises(ExportError, match=r"pip install 'da3_stream\[spz\]'"):
        exported(run, tmp_path, "spz")
