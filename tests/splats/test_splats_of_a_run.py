"""A run that keeps splats: which, where they lie, and that nothing that befalls it changes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from da3_stream import Reconstruction, Settings, pipeline
from da3_stream.errors import PredictorError, SettingsError, StoreError
from da3_stream.export.exporting import export_run
from da3_stream.geometry import Sim3
from da3_stream.splats import count_splats, has_splats, read_splats, window_splats, world_splats
from da3_stream.store import RunReader, SubmapFrames
from da3_stream.types import Frame, WindowGeometry
from tests.splats.splat_street import OPACITY, SplatStandIn
from tests.worlds.exported_run import off_the_street
from tests.worlds.street import SIZE, street_window
from tests.worlds.street_predictor import WINDOWS, StandIn, pictures

COUNT = 14
TREE = {"windows": {"size": 8, "overlap": 2}, "splats": {"gaussians": True}, "loops": {"descriptor": "off"}}
SETTINGS = Settings.build(TREE)
OFF = Settings.build(TREE | {"cloud": {"fusion": "off"}})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipeline.run(pictures(COUNT), tmp_path_factory.mktemp("splats") / "run", SETTINGS, SplatStandIn(floats=True))


def means_in_world(run: Path) -> dict[int, np.ndarray]:
    reader = RunReader.open(run)
    submaps = reader.geometry.submaps
    return {f: g.means for k in submaps for f, g in world_splats(reader.run, reader.geometry, k)}


@pytest.mark.slow
def test_every_frame_leaves_what_lies_on_the_surface(run: Path) -> None:
    found = means_in_world(run)
    assert sorted(found) == list(range(COUNT))
    of_frame = Reconstruction(run).gaussians(5)
    np.testing.assert_array_equal(of_frame.means, found[5])
    assert max(np.quantile(off_the_street(means), 0.99) for means in found.values()) < 0.03
    pixels = SIZE[0] * SIZE[1]
    assert 0.3 * pixels < np.mean([len(means) for means in found.values()]) < 0.95 * pixels


def test_a_correction_moves_them_and_writes_nothing(run: Path, tmp_path: Path) -> None:
    reader = RunReader.open(run)
    there = Sim3(2.0, np.diag([1.0, -1, -1]), np.array([1.0, 2, 3]))
    moved = reader.geometry.moved(there, "relative")
    for (_, before), (_, after) in zip(
        world_splats(reader.run, reader.geometry, 0), world_splats(reader.run, moved, 0), strict=True
    ):
        np.testing.assert_allclose(after.means, there.apply(before.means), atol=1e-3)
        np.testing.assert_allclose(after.scales, 2 * before.scales, rtol=1e-5)


@pytest.mark.slow
def test_a_run_that_was_cut_short_keeps_the_same_bytes(run: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, SplatStandIn(stop_before=1, floats=True))
    (tmp_path / "run" / "splats" / "000001.npz").write_bytes(b"of a window that was never committed")
    again = pipeline.run(pictures(COUNT), tmp_path / "run", SETTINGS, SplatStandIn(floats=True))
    files = sorted(path.name for path in (run / "splats").iterdir())
    assert files == sorted(path.name for path in (again / "splats").iterdir()) and len(files) == 2
    for name in files:
        assert (run / "splats" / name).read_bytes() == (again / "splats" / name).read_bytes()


def test_what_is_damaged_or_cannot_be_had_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="stand-in gives no Gaussians: give --model da3-giant"):
        pipeline.run(pictures(2), tmp_path / "none", SETTINGS, StandIn())
    plain = pipeline.run(pictures(2), tmp_path / "plain", Settings.build({"windows": WINDOWS}), SplatStandIn())
    reader = RunReader.open(plain)
    with pytest.raises(KeyError, match="keeps no splats of frame 1"):
        Reconstruction(plain).gaussians(1)
    assert not has_splats(reader.run) and has_splats(RunReader.open(run).run)
    reader.run.splats_path(0).parent.mkdir()
    reader.run.splats_path(0).write_bytes(b"torn")
    for ask in (lambda: count_splats(reader.run, 0), lambda: list(read_splats(reader.run, 0))):
        with pytest.raises(StoreError, match="damaged"):
            ask()
    reader.run.splats_path(0).rename(reader.run.splats_path(1))  # the first file is missing, which is not "no splats"
    assert has_splats(reader.run)
    with pytest.raises(StoreError, match="000000.npz"):
        export_run(plain, "gs_ply")


def kept_of(geometry: WindowGeometry, settings: Settings = SETTINGS) -> dict[int, np.ndarray]:
    """Where the Gaussians of a window that are kept lie, in the frames of their cameras [M,3], by frame."""
    count = len(geometry.frame_indices)
    frames = SubmapFrames.from_geometry(geometry, np.arange(count) / 10, np.ones(count, bool), SIZE)
    return {index: gaussians.means for index, gaussians in window_splats(geometry, frames, settings)}


def pixels_of(geometry: WindowGeometry, settings: Settings = SETTINGS) -> dict[int, set[tuple[int, int]]]:
    """The pixels (row, column) in which Gaussians are kept, by frame."""
    seen = {index: means @ geometry.intrinsics[0].T for index, means in kept_of(geometry, settings).items()}
    return {index: {(int(v / z), int(u / z)) for u, v, z in points} for index, points in seen.items()}


def with_gaussians(geometry: WindowGeometry, floats: bool = False) -> WindowGeometry:
    stand_in = SplatStandIn(floats=floats)
    return replace(geometry, gaussians=tuple(stand_in.of_row(geometry, row) for row in range(len(geometry.depth))))


@pytest.fixture
def wall() -> WindowGeometry:
    """Six frames of a wall in five units."""
    street = street_window(0, 6)
    poses = np.tile(np.eye(4), (6, 1, 1))
    poses[:, 0, 3] = 0.05 * np.arange(6)
    depth = np.full_like(street.depth, 5)
    return with_gaussians(replace(street, depth=depth, confidence=depth, window_from_camera=poses))


def test_what_views_see_through_is_left_out() -> None:
    street = with_gaussians(street_window(0, 12), floats=True)
    floating = [
        {index: len(means) for index, means in kept_of(street, settings).items()} for settings in (OFF, SETTINGS)
    ]
    lost = {index: before - floating[1][index] for index, before in floating[0].items()}
    assert {index for index, count in lost.items() if count} == {3, 10} and lost[3] > 3


def test_border_sky_edges_and_doubt_leave_none(wall: WindowGeometry) -> None:
    sky = np.zeros(wall.depth.shape, bool)
    sky[0, :, 20:24] = True
    confidence, depth = wall.confidence.copy(), wall.depth.copy()
    confidence[1, 25:28] = 0.5
    depth[2, 20, 20] *= 0.5  # its neighbours are edges, too
    settings = Settings.build(TREE | {"splats": {"gaussians": True, "border": 0.1}})
    found = pixels_of(replace(wall, sky=sky, confidence=confidence, depth=depth), settings)
    every = {(row, column) for row in range(3, 29) for column in range(4, 44)}
    assert found[3] == every
    assert found[0] == {(row, column) for row, column in every if not 20 <= column < 24}
    assert found[2] == every - {(20, 19), (20, 20), (20, 21), (19, 20), (21, 20)}
    unsure = Settings.build(TREE | {"splats": {"gaussians": True, "border": 0, "min_confidence": 0.03}})
    assert {row for row, _ in pixels_of(replace(wall, confidence=confidence), unsure)[1]} == {*range(32)} - {25, 26, 27}


def test_what_no_viewer_can_show_is_left_out(wall: WindowGeometry) -> None:
    spoilt, row = wall.gaussians[0], 20 * SIZE[0]
    spoilt.means[row : row + 10] = np.nan
    spoilt.scales[row + 10 : row + 15, 1] = [0, -1, np.inf, np.nan, 0]
    spoilt.opacities[row + 15 : row + 20] = 0.01
    spoilt.harmonics[row + 20 : row + 25, 0, 3] = np.nan
    assert {column for line, column in pixels_of(wall)[0] if line == 20} == set(range(25, 47))
    faint = Settings.build(TREE | {"splats": {"gaussians": True, "min_opacity": 0.9}})
    assert OPACITY < 0.9 and all(len(means) == 0 for means in kept_of(wall, faint).values())


def test_frames_without_a_pose_or_depth_leave_none(wall: WindowGeometry) -> None:
    poses, depth = wall.window_from_camera.copy(), wall.depth.copy()
    poses[1], depth[2] = np.nan, 0
    found = kept_of(replace(wall, window_from_camera=poses, depth=depth))
    assert 1 not in found and len(found[2]) == 0 and len(found[3])
    assert kept_of(replace(wall, gaussians=())) == {}


def test_a_window_with_gaussians_of_other_frames_is_refused(wall: WindowGeometry) -> None:
    frames = [Frame(index, index / 10, image, str(index)) for index, image in enumerate(wall.images)]
    assert len(wall.check(frames).rows(slice(1, 3)).gaussians) == 2
    with pytest.raises(PredictorError, match="Gaussians of 1 frames, expected 6 or none"):
        replace(wall, gaussians=wall.gaussians[:1]).check(frames)
