"""How far every pose of a run can be believed, and the status beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from da3_stream.reconstruction import Reconstruction
from da3_stream.store import read_submap, write_submap
from da3_stream.types import LeftOut
from tests.worlds.street import street_run


def changed(path: Path, submap: int, **fields: Any) -> Reconstruction:
    """The run through the street (28 frames in three submaps) with other fields of one submap."""
    run = street_run(path)
    write_submap(run, submap, replace(read_submap(run, submap), **fields))
    return Reconstruction(path)


def test_every_frame_has_the_confidence_of_its_owner(tmp_path: Path) -> None:
    judged = np.linspace(0, 1, 12, dtype=np.float32)  # of frames 8 to 19; 10 to 17 are its own
    rec = changed(tmp_path, 1, pose_confidence=judged)
    np.testing.assert_array_equal(rec.pose_confidence[10:18], judged[2:10])
    assert set(np.delete(rec.pose_confidence, np.arange(10, 18))) == {0.9}  # nobody judged these, and they are OK


def test_a_pose_that_nobody_judged_is_believed_by_its_status(tmp_path: Path) -> None:
    rec = changed(tmp_path, 1, frame_status=(*["OK"] * 2, "WEAK", "HELD", "TURNED", "FAILED", *["OK"] * 6))
    assert rec.frame_status[10:15] == ("WEAK", "HELD", "TURNED", "FAILED", "OK")
    np.testing.assert_array_equal(rec.pose_confidence[10:15], [0.4, 0.9, 0.9, 0.0, 0.9])


def test_a_frame_without_a_pose_is_unplaced_and_not_believed(tmp_path: Path) -> None:
    poses = read_submap(street_run(tmp_path / "before"), 1).window_from_camera.copy()
    poses[5:7] = np.nan  # frames 13 and 14, which no other submap has
    rec = changed(tmp_path / "run", 1, window_from_camera=poses, pose_confidence=np.ones(12, np.float32))
    assert rec.frame_status[12:16] == ("OK", "UNPLACED", "UNPLACED", "OK")
    np.testing.assert_array_equal(rec.pose_confidence[12:16], [1, 0, 0, 1])


def test_a_pose_from_another_submap_is_believed_as_that_one_says(tmp_path: Path) -> None:
    poses = np.full((12, 4, 4), np.nan)
    write = {"window_from_camera": poses, "status": "FAILED", "pose_confidence": np.zeros(12, np.float32)}
    rec = changed(tmp_path, 1, **write)
    lent = np.flatnonzero(rec.segments[10:18] >= 0) + 10
    assert set(lent) == {10, 11, 16, 17}
    assert {rec.frame_status[k] for k in lent} == {"OK"} and set(rec.pose_confidence[lent]) == {0.9}
    assert set(rec.frame_status[12:16]) == {"FAILED"} and not rec.pose_confidence[12:16].any()


def test_an_interpolated_frame_has_the_smaller_confidence_of_its_neighbours(tmp_path: Path) -> None:
    run = street_run(tmp_path)
    part = read_submap(run, 1)
    keep = ~np.isin(part.frame_indices, [12, 13])
    rest = {f: getattr(part, f)[keep] for f in ("frame_indices", "timestamps", "window_from_camera", "intrinsics")}
    owned = {f: getattr(part, f)[keep[part.owned]] for f in ("depth", "confidence")}
    named = tuple(LeftOut(k, k / 10, 0.5, "still") for k in (12, 13))
    judged = np.where(part.frame_indices[keep] == 14, 0.3, 0.8).astype(np.float32)
    write_submap(run, 1, replace(part, owned=part.owned[keep], left_out=named, pose_confidence=judged, **rest, **owned))
    rec = Reconstruction(tmp_path)
    assert rec.frame_status[11:15] == ("OK", "INTERPOLATED", "INTERPOLATED", "OK")
    np.testing.assert_allclose(rec.pose_confidence[11:15], [0.8, 0.3, 0.3, 0.3], rtol=1e-6)


def test_near_a_join_in_doubt_both_submaps_are_doubted(tmp_path: Path) -> None:
    run = street_run(tmp_path)
    before, scene = Reconstruction(tmp_path).pose_confidence, run.read_scene()
    doubted = replace(scene.submaps[1], join_confidence=0.25)
    run.write_scene(replace(scene, submaps=(scene.submaps[0], doubted, *scene.submaps[2:])))
    rec = Reconstruction(tmp_path)  # submap 1 owns the frames 10 to 17
    assert (
        (before == 0.9).all() and (rec.pose_confidence[:18] == 0.25).all() and (rec.pose_confidence[18:] == 0.9).all()
    )
    assert set(rec.frame_status[:18]) == {"WEAK"} and set(rec.frame_status[18:]) == {"OK"}
