"""Times of an input through a run: files carry them as they are, people's count from the first frame."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from da3_stream import pipeline
from da3_stream.evaluation import evaluate
from da3_stream.export.exporting import export_run
from da3_stream.report import info
from da3_stream.report.lines import result_lines
from da3_stream.settings import Settings
from da3_stream.types import Advice, AdviceCode
from tests.worlds.street_predictor import StandIn, pictures

COUNT = 20
EXACT = [1_403_636_579_763_555_584 + 50_000_000 * i + 7 * i * i for i in range(COUNT)]
ZOOM = Advice(AdviceCode.LENS_CHANGED, "the focal length changed", 10, 19)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of pictures whose names are nanoseconds, from a fifth of a second on."""
    (tmp_path / "data").mkdir()
    for time, image in zip(EXACT, pictures(COUNT), strict=True):
        cv2.imwrite(str(tmp_path / "data" / f"{time}.png"), image)
    predictor = StandIn(lambda first, geometry: replace(geometry, advice=(ZOOM,)))
    settings = Settings.build({"frames": {"start": 0.2}, "windows": {"size": 14, "overlap": 6}})
    return pipeline.run(tmp_path / "data", tmp_path / "run", settings, predictor)


@pytest.mark.slow
def test_files_carry_the_times_of_the_input_and_people_count_from_its_first_frame(run: Path) -> None:
    status = json.loads((run / "run.json").read_text())
    expected = [time / 10**9 for time in EXACT[4:]]
    assert status["timestamps"] == expected and status["nanoseconds"] == EXACT[4:]
    assert status["first_time_s"] == EXACT[0] / 10**9 and status["has_times"]
    assert np.loadtxt(run / "trajectory.tum")[:, 0].tolist() == expected
    with open(run / "frames.csv", newline="") as file:
        assert [float(row["time_s"]) for row in csv.DictReader(file)] == expected
    assert [file["start_s"] for file in status["input"]["files"]] == [0]
    assert [(row["from_s"], row["to_s"]) for row in status["trust"]["stretches"]] == [
        pytest.approx((0.5, 0.95), abs=1e-5)
    ]
    assert "  0:01 not to be trusted: the focal length changed" in result_lines(info(run))
    assert ">0:00<" in (run / "report.html").read_text()


@pytest.mark.slow
def test_euroc_gets_the_same_integers(run: Path) -> None:
    path = Path(export_run(run, "euroc").path)
    rows = path.read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == EXACT[4:]


@pytest.mark.slow
def test_a_truth_is_found_by_time(run: Path, tmp_path: Path) -> None:
    rows = np.loadtxt(run / "trajectory.tum")
    later = np.column_stack([rows[:, 0] + 0.004, rows[:, 1:]])
    np.savetxt(tmp_path / "truth.txt", later, "%.9f")
    result = evaluate(run, tmp_path / "truth.txt")
    assert (result["association"], result["frames_with_truth"]) == ("time", COUNT - 4)
    assert result["ate_rmse_m"] < 1e-3
