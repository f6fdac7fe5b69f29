"""The Python of README and docs/ runs as it stands, one page after the other."""

from __future__ import annotations

from pathlib import Path

import av
import matplotlib
import numpy as np
import pytest
from pyproj import Transformer

from da3_stream.cloud import write_merged_cloud
from da3_stream.predictors import sfm
from da3_stream.reconstruction import Reconstruction
from da3_stream.settings import CloudSettings
from da3_stream.store import Run, read_run_geometry
from tests.docs.pages import blocks_to_run, pages
from tests.worlds.known_runs import KINDS, UTM, make_run
from tests.worlds.street import SIZE
from tests.worlds.street_predictor import StandIn, pictures

PAGES = [page for page in pages() if blocks_to_run(page)]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pages name: a demo's video, a run `drive`, and a run `flight` with positions of its frames."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sfm, "SfmPredictor", lambda **_: StandIn())
    matplotlib.use("Agg")
    drive = make_run(tmp_path / "made", KINDS["with gaps at both ends"])
    flight = make_run(tmp_path / "located", KINDS["on a map, from named files"])
    for name, made in (("drive", drive), ("flight", flight)):
        run = Run(made.path)
        write_merged_cloud(run, read_run_geometry(run), CloudSettings())
        (tmp_path / "runs").mkdir(exist_ok=True)
        made.path.rename(tmp_path / "runs" / name)
    (tmp_path / "runs/demo/town").mkdir(parents=True)
    write_film(tmp_path / "runs/demo/town/town.mp4")
    write_fixes(tmp_path / "flight.csv", Reconstruction(tmp_path / "runs" / "flight"))
    return tmp_path


def write_film(path: Path) -> None:
    """A video of any pictures, of the size that the stand-in knows."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for image in pictures(28):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        file.mux(stream.encode(None))


def write_fixes(path: Path, flight: Reconstruction) -> None:
    """Longitude, latitude and height of every third frame, as the run's own georeference has them."""
    rows = np.arange(0, len(flight), 3)
    there = UTM.geographic_from_world.apply(flight.world_from_camera[rows, :3, 3])
    places = Transformer.from_crs(UTM.crs, "EPSG:4326", always_xy=True).transform(*there.T)
    table = np.column_stack([flight.source_indices[rows], *places])
    np.savetxt(path, table, delimiter=",", header="frame,longitude,latitude,height", comments="", fmt="%.12f")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in blocks_to_run(page):
        exec(compile(block, page.name, "exec"), names)
    if page.name == "cookbook.md":
        assert "residuals of the fixes: 0.000 m" in capsys.readouterr().out
        assert (workplace / "runs/drive/export/scene.glb").exists() and (workplace / "drive.png").exists()
