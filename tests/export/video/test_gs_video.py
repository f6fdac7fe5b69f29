from __future__ import annotations

import numpy as np
import pytest

from da3_stream import Settings, pipeline
from da3_stream.errors import ExportError, RenderingError
from da3_stream.export.depth.colour_scale import depth_scale
from da3_stream.export.exporting import export_run
from da3_stream.export.video.panels import GAP
from da3_stream.store import RunReader
from tests.export.video.test_flythrough import frames_of
from tests.splats.splat_street import SplatStandIn
from tests.worlds.gated_run import gated_run
from tests.worlds.street_predictor import pictures

TREE = {"windows": {"size": 8, "overlap": 2}, "splats": {"gaussians": True}, "loops": {"descriptor": "off"}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    settings = Settings.build(TREE)
    return pipeline.run(pictures(8), tmp_path_factory.mktemp("splats") / "run", settings, SplatStandIn())


@pytest.mark.slow
def test_a_film_shows_the_depth_of_the_run(run, tmp_path):
    options = {"path": "original", "frames": "2:5", "size": "192x128"}
    path, summary = export_run(run, "gs_video", tmp_path / "f.mp4", options)
    films, *_, comment = frames_of(path)
    reader = RunReader.open(run)
    scale = depth_scale(reader, "turbo")
    assert comment == scale.summary(reader.units) and summary.startswith("3 pictures of 192x128 at ")
    assert summary.endswith(" Gaussians")
    inner = np.s_[24:-24, 24:-24]
    for picture, index in zip(films, (2, 3, 4), strict=True):
        truth = scale.paint(reader.depth(index)[0]).repeat(4, 0).repeat(4, 1).astype(int)[inner]
        drawn = picture[:, 192 + GAP :][inner]
        seen = (truth.max(axis=2) > 60) & (drawn.max(axis=2) > 60)
        assert seen.mean() > 0.2 and np.median(np.abs(drawn - truth).max(axis=2)[seen]) < 60
        assert picture[:, :192][inner].std() > 20


def test_of_too_many_splats_those_of_every_nth_frame_are_shown(run, tmp_path):
    options = {"path": "wander", "seconds": 0.1, "max_splats": 3000, "depth": "none"}
    summary = export_run(run, "gs_video", tmp_path / "f.mp4", options).summary
    count = int(summary.split("; ")[-1].split()[0].replace(",", ""))
    assert summary.endswith("Gaussians of every 2nd frame") and 1500 < count < 3300


def test_what_is_refused(run, tmp_path):
    with pytest.raises(RenderingError):
        export_run(run, "gs_video", tmp_path / "f.mp4", {"device": "abacus", "path": "original"})
    with pytest.raises(ExportError, match="has no option 'max_points'"):
        export_run(run, "gs_video", tmp_path / "f.mp4", {"max_points": 9})
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_splats_shows_discs_of_its_cloud(tmp_path):
    run = gated_run(tmp_path).path
    path, summary = export_run(run, "gs_video", None, {"path": "wander", "seconds": 0.1})
    assert summary.endswith(" Gaussians made of the cloud's points") and frames_of(path)[0][0, :, :48].std() > 20
