"""COPC of a run: the points of its LAZ, with the same record of where they lie."""

from __future__ import annotations

import laspy
import numpy as np
import pytest
from laspy.copc import CopcReader

from da3_stream.export.exporting import export_run
from tests.export.cloud.test_located_clouds import located, note_of
from tests.worlds.exported_run import whole_run

FIELDS = ("X", "Y", "Z", "red", "green", "blue", "confidence", "frame")


@pytest.mark.slow
@pytest.mark.parametrize("place", [whole_run, located], ids=["relative", "located"])
def test_the_points_and_the_record_are_those_of_laz(tmp_path, place):
    run = place(tmp_path / "run")
    path, summary = export_run(run.path, "copc")
    plain, plain_summary = export_run(run.path, "laz")
    assert path.name == "cloud.copc.laz" and summary == plain_summary and note_of(path) == note_of(plain)
    with CopcReader.open(path) as reader:
        found = reader.query()
    expected = laspy.read(plain)
    np.testing.assert_array_equal(sorted_rows(found), sorted_rows(expected.points))
    np.testing.assert_array_equal(reader.header.offsets, expected.header.offsets)
    assert reader.header.parse_crs() == expected.header.parse_crs()
    assert np.prod(reader.copc_info.spacing) > 0 and reader.header.vlrs[0].record_id == 1


def sorted_rows(points):
    rows = np.column_stack([np.asarray(points[name], np.float64) for name in FIELDS])
    return rows[np.lexsort(rows.T)]


def test_frames_and_axes_are_chosen_as_for_laz(tmp_path):
    run = whole_run(tmp_path / "run")
    path, _ = export_run(run.path, "copc", None, {"frames": (0, 6), "axes": "world", "max_points": 200})
    with CopcReader.open(path) as reader:
        points = reader.query()
    assert len(points) == 200 and points.frame.max() < 6 and note_of(path)["axes"] == "world"
