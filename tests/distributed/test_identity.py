"""A run is the same whichever engine predicts it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from da3_stream import Settings, pipeline
from da3_stream.distributed import RayEngine
from da3_stream.predictors.engine import Engine
from tests.faults.killing import SETTINGS, contents
from tests.splats.splat_street import SplatStandIn
from tests.worlds import ring_street as ring
from tests.worlds.street_predictor import NO_ROAD, pictures
from tests.worlds.towns import street_frame


def drive(out: Path, engine: Engine | None = None) -> Path:
    """One and a half laps of a ring street, with loops."""
    return pipeline.run(ring.pictures(), out, Settings.build(SETTINGS), ring.RingPredictor(), engine=engine)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drive(tmp_path_factory.mktemp("here") / "run")


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_actors_give_the_bytes_that_one_process_gives(tmp_path: Path, here: Path) -> None:
    there = drive(tmp_path / "run", RayEngine(actors=2))
    assert contents(there) == contents(here)
    told = [json.loads((run / "run.json").read_text()) for run in (here, there)]
    assert list(told[0]) == list(told[1]) and "ray" not in json.dumps(told[1]["settings"])


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_structure_from_motion_that_learns_its_lens_gives_the_same_bytes(tmp_path: Path) -> None:
    pictures = [street_frame(i, (160, 120)).image for i in range(14)]
    tree = {"model": {"name": "sfm", "workers": 1}, "windows": {"size": 8, "overlap": 2}}
    settings = Settings.build(tree | {"loops": {"descriptor": "off"}, "scale": NO_ROAD})
    engines = {"here": None, "there": RayEngine(actors=2)}
    runs = {name: pipeline.run(pictures, tmp_path / name, settings, engine=engine) for name, engine in engines.items()}
    assert contents(runs["there"]) == contents(runs["here"])
    told = [json.loads((run / "run.json").read_text()) for run in runs.values()]
    assert told[0]["camera"] == told[1]["camera"] and told[1]["camera"]["windows_used"] > 0
    assert told[0]["seconds_in_predictor"].keys() == told[1]["seconds_in_predictor"].keys()


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_splats_come_back_with_their_windows(tmp_path: Path) -> None:
    settings = Settings.build({"windows": {"size": 8, "overlap": 2}, "splats": {"gaussians": True}, "scale": NO_ROAD})
    engines = {"here": None, "there": RayEngine(actors=1)}
    for name, engine in engines.items():
        pipeline.run(pictures(14), tmp_path / name, settings, SplatStandIn(), engine=engine)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert (tmp_path / "there" / "splats" / "000001.npz").exists()
