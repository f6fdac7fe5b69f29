from __future__ import annotations

import json

import av
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from da3_stream.errors import CameraPathError, ExportError
from da3_stream.export.depth.colour_scale import DepthScale, depth_scale
from da3_stream.export.estimate import estimate_export
from da3_stream.export.exporting import export_run
from da3_stream.export.frame_views import posed_views
from da3_stream.export.options import CloudOptions, FlightOptions, FlythroughOptions
from da3_stream.export.progress import NoProgress
from da3_stream.export.video.flight import picture_count, plan_flight, segment_points
from da3_stream.export.video.flythrough import Tile
from da3_stream.export.video.panels import GAP, Panels
from da3_stream.export.video.surface import read_surface
from da3_stream.geometry import project
from da3_stream.store import RunReader
from tests.worlds.exported_run import whole_run
from tests.worlds.gated_run import gated_run
from tests.worlds.known_runs import KINDS, make_run
from tests.worlds.street import PAGES, SIZE


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return gated_run(tmp_path_factory.mktemp("gated"))


@pytest.fixture(scope="module")
def reader(run):
    return RunReader.open(run.path)


def frames_of(path):
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        pictures = np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])
        return pictures, stream.average_rate, stream.codec_context, film.metadata["comment"]


def test_a_film_shows_what_the_first_camera_saw_and_the_depth_on_one_scale(run, reader, tmp_path):
    path, summary = export_run(run.path, "flythrough", tmp_path / "f.mp4", {"path": "original", "frames": "0:6"})
    pictures, rate, codec, comment = frames_of(path)
    assert pictures.shape == (6, SIZE[1], 2 * SIZE[0] + GAP, 3) and rate == 10
    assert (codec.name, codec.pix_fmt) == ("h264", "yuv420p")
    scale = depth_scale(reader, "turbo")
    assert comment == scale.summary("metres") and summary.startswith("6 pictures of 48x32 at 10 a second, original; ")
    assert pictures[:, :, SIZE[0] + 2 : SIZE[0] + GAP - 2].min() > 235
    truth = scale.paint(reader.depth(0)[0]).astype(int)
    covered = (pictures[0, :, SIZE[0] + GAP :].max(axis=2) > 60) & (truth.max(axis=2) > 60)
    assert covered.mean() > 0.25
    assert np.median(np.abs(pictures[0, :, SIZE[0] + GAP :] - truth).max(axis=2)[covered]) < 30


def test_a_film_is_as_long_as_asked_for_and_as_large(run, tmp_path):
    options = {"path": "wander", "seconds": 0.5, "fps": 12, "size": "31x41", "depth": "below", "quality": "low"}
    pictures, rate, *_ = frames_of(export_run(run.path, "flythrough", tmp_path / "f.mp4", options).path)
    assert pictures.shape == (6, 2 * 40 + GAP, 30, 3) and rate == 12


@pytest.mark.parametrize(("name", "count"), [("original", 23), ("extend", 23 * 7 - 6 + 2 * 38 + 2), ("orbit", 240)])
def test_the_length_of_a_film_is_known_before(reader, name, count):
    options = FlythroughOptions(path=name)
    assert len(plan_flight(reader, options).path) == picture_count(reader, options)
    longer = replace_path(options, "original", 30)
    assert estimate_export(reader, options, reader.path).bytes > estimate_export(reader, longer, reader.path).bytes > 0


def replace_path(options, name, frames):
    return options.model_copy(update={"path": name, "every": frames})


def test_pictures_of_another_shape_show_the_middle_undistorted(reader):
    whole, *others = (flight_k(reader, size) for size in (SIZE, (64, 64), (20, 32)))
    for k, size in zip(others, ((64, 64), (20, 32)), strict=True):
        assert k[0, 0] / k[1, 1] == pytest.approx(whole[0, 0] / whole[1, 1])
        shift = (k[:2, 2] - np.array(size) / 2) / k[0, 0]
        np.testing.assert_allclose(shift, (whole[:2, 2] - np.array(SIZE) / 2) / whole[0, 0], atol=1e-9)
    assert others[0][0, 0] == pytest.approx(2 * whole[0, 0])


def flight_k(reader, size):
    return plan_flight(reader, FlightOptions(path="original", size=size)).path.intrinsics[0]


def test_a_tile_of_which_a_point_is_in_the_picture_is_drawn():
    rng = np.random.default_rng(0)
    k, size, seen = np.array([[40.0, 0, 20], [0, 30, 25], [0, 0, 1]]), (48, 32), []
    for _ in range(300):
        pose = np.eye(4)
        pose[:3, :3] = Rotation.random(rng=rng).as_matrix()
        tile = Tile.of(
            (rng.normal(size=3) * 5 + rng.normal(size=(40, 3))).astype(np.float32), np.zeros((40, 3), np.uint8)
        )
        local = tile.xyz @ pose[:3, :3].T
        pixel = project(local[local[:, 2] > 0.01], k)
        inside = ((pixel >= 0) & (pixel < size)).all(axis=1).any()
        seen.append((inside, tile.may_be_seen(pose, k, size)))
    inside, drawn = np.array(seen).T
    assert drawn[inside].all() and 0.1 < inside.mean() < drawn.mean() < 0.7


def test_no_depth_is_shown_where_less_than_half_is_covered():
    panels = Panels(DepthScale(0.1, 1.0, "inferno"), "beside")
    colour, depth, alpha = np.full((2, 2, 3), 1.4, np.float32), np.ones((2, 2), np.float32), np.eye(2, dtype=np.float32)
    shown = panels.picture(colour, depth, alpha)
    assert shown[:, :2].min() == 255 and panels.size((2, 2)) == (shown.shape[1], shown.shape[0])
    assert (shown[:, 2 + GAP :].max(axis=2) > 0).tolist() == [[True, False], [False, True]]


def test_the_longest_segment_alone_is_flown_through_and_shown(tmp_path):
    known = make_run(tmp_path, KINDS["on a map in feet, in two segments"])
    reader, options = RunReader.open(known.path), FlythroughOptions(path="original", every=2)
    flight = plan_flight(reader, options)
    shown = segment_points(reader, options, flight, CloudOptions()).frames
    segments = dict(zip(reader.poses.source_index.tolist(), reader.poses.segment.tolist(), strict=True))
    assert {segments[index] for index in shown.tolist()} == {flight.segment} and flight.left_out > 0
    assert len(shown) > len(flight.path) == len(posed_views(reader, options)) - flight.left_out


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"path": "around"}, ExportError, "option path of flythrough"),
        ({"path": "smooth", "seconds": 3}, ExportError, "a picture for each frame"),
        ({"surface": "mesh", "max_points": 9}, ExportError, "max_points is for points"),
        ({"size": "wide"}, ExportError, "expected WxH"),
        ({"size": "40000x2"}, ExportError, "too large for H.264"),
        ({"path": "interpolate", "frames": "4:5"}, CameraPathError, "needs two cameras"),
        ({"frames": "23:24"}, ExportError, "has a place"),
    ],
)
def test_what_is_refused(run, tmp_path, options, error, said):
    with pytest.raises(error, match=said):
        export_run(run.path, "flythrough", tmp_path / "f.mp4", options)
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing(run, tmp_path):
    def stop(done, total):
        if done == 2 and total == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        options = {"path": "original", "frames": "0:6"}
        export_run(run.path, "flythrough", tmp_path / "f.mp4", options, progress=stop)
    assert list(tmp_path.iterdir()) == []
    assert json.loads((run.path / "run.json").read_text())["state"] == "finished"


@pytest.mark.slow
def test_the_surface_is_shown_at_its_depth(tmp_path):
    run = whole_run(tmp_path / "run", PAGES.model_copy(update={"max_depth_step": 0.15}))
    options = {"path": "original", "frames": "4:6", "surface": "mesh", "depth": "none"}
    reader = RunReader.open(run.path)
    flight = plan_flight(reader, FlythroughOptions(**options))
    scene = read_surface(reader, tmp_path, FlythroughOptions(surface="mesh"), flight, NoProgress())
    drawn = scene.draw(flight.path.camera_from_world[0], flight.path.intrinsics[0], flight.path.size)
    truth = reader.depth(4)[0]
    both = (drawn.depth > 0) & (truth > 0)
    assert both.mean() > 0.3 and np.median(np.abs(drawn.depth / np.where(both, truth, 1) - 1)[both]) < 0.02
    assert (drawn.alpha[both] == 1).all() and drawn.colour[both].std() > 0.05
    assert export_run(run.path, "flythrough", tmp_path / "f.mp4", options).summary.endswith(" triangles")
