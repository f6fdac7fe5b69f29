"""A run of several files is the run of the one that they were cut from, also when it is cut short or exported."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from da3_stream import Settings, pipeline
from da3_stream.export.frame_views import selected_views
from da3_stream.export.images.frame_images import input_images
from da3_stream.export.options import FrameOptions
from da3_stream.store import RunReader, open_run
from tests.session.test_resume import Counting
from tests.worlds.clips import shown, write_clip
from tests.worlds.street import SIZE
from tests.worlds.street_predictor import NO_ROAD, WINDOWS

SETTINGS = Settings.build({"windows": WINDOWS, "scale": NO_ROAD})
COUNT = 50


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Three files without loss, each with the last second of the one before at its beginning, and a photograph."""
    for i, (first, end) in enumerate([(0, 22), (12, 36), (26, COUNT)]):
        write_clip(tmp_path / "card" / f"CLIP{i:04d}.mkv", first, end - first, size=SIZE)
    (tmp_path / "card" / "IMG_0001.JPG").write_bytes(b"photograph")
    return tmp_path / "card"


@pytest.mark.slow
def test_it_has_the_bytes_of_the_whole(tmp_path: Path, parts: Path) -> None:
    whole = write_clip(tmp_path / "whole.mkv", 0, COUNT, size=SIZE)
    runs = [pipeline.run(path, tmp_path / path.stem / "run", SETTINGS, Counting()) for path in (whole, parts)]
    for name in ("trajectory.tum", "trajectory.kitti", "cloud.ply", "scene.json"):
        assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes(), name
    facts = json.loads((runs[1] / "run.json").read_text())["input"]
    assert [(Path(file["path"]).name, file["frames"]) for file in facts["files"]] == [
        *(("CLIP0000.mkv", 22), ("CLIP0001.mkv", 14), ("CLIP0002.mkv", 14))
    ]
    assert [file["start_s"] for file in facts["files"]] == pytest.approx([0.0, 2.2, 3.6], abs=1e-3)
    assert [Path(file["path"]).name for file in facts["left_out"]] == ["IMG_0001.JPG"]
    with (runs[1] / "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    sources = [(Path(row["source"]).name, int(row["source_index"])) for row in rows]
    assert sources[21:24] == [("CLIP0000.mkv", 21), ("CLIP0001.mkv", 10), ("CLIP0001.mkv", 11)]
    assert sources[-1] == ("CLIP0002.mkv", 23)


@pytest.mark.slow
def test_it_goes_on_where_it_was_cut_short_and_its_pictures_are_read_again(tmp_path: Path, parts: Path) -> None:
    whole = pipeline.run(parts, tmp_path / "whole", SETTINGS, Counting())
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(parts, tmp_path / "run", SETTINGS, Counting(3))
    assert len(open_run(tmp_path / "run").read_status()["input"]["paths"]) == 1
    pipeline.run(parts, tmp_path / "run", SETTINGS, Counting())
    for name in ("trajectory.tum", "cloud.ply", "frames.csv"):
        assert (whole / name).read_bytes() == (tmp_path / "run" / name).read_bytes(), name
    reader = RunReader.open(tmp_path / "run")
    assert reader.status["input"]["files"] == open_run(whole).read_status()["input"]["files"]
    views = [view for view in selected_views(reader, FrameOptions()) if view.index in (0, 23, 49)]
    for view, image in input_images(reader, views):
        import cv2

        expected = cv2.resize(shown(view.index), SIZE, interpolation=cv2.INTER_AREA)
        assert np.abs(image.astype(int) - expected).mean() < 8


@pytest.mark.slow
def test_a_cut_begins_a_segment_of_its_own_and_is_told(tmp_path: Path) -> None:
    for i, first in enumerate((0, 100)):
        write_clip(tmp_path / f"CLIP{i}.mkv", first, 24, seed=i, size=SIZE, step_px=2.0)
    run = pipeline.run([tmp_path / "CLIP0.mkv", tmp_path / "CLIP1.mkv"], tmp_path / "run", SETTINGS, Counting())
    events = [json.loads(line) for line in (run / "journal.jsonl").open()]
    assert [event["frames"][0] for event in events if event.get("begins_shot")] == [24]
    told = [row["text"] for row in open_run(run).read_status()["advice"] if row["code"] == "input_files"]
    assert any("a cut, in CLIP1.mkv" in text for text in told)
