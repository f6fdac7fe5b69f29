"""The judge is fitted to stored witnesses alone, and gives its opinion of runs that are done without running them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.trust import bank
from benchmarks.trust.calibration import calibrate, poses_of, rescored, source, write_coefficients
from benchmarks.trust.records import Facts, Record
from da3_stream.trust import Judge, load_judge

N = 40


def made_up(seed: int, wrong: bool) -> Record:
    """A run whose second half is wrong, or none of it; reprojection errors and step jumps tell."""
    rng = np.random.default_rng([seed, wrong])
    job = next(bank.ladders(apart=False, family="blur")).job(0)
    off = wrong & (np.arange(N) >= 20)
    witnesses = np.exp(rng.normal(np.where(off, 1.0, -1.0), 0.4, (2, N))).astype(np.float32)
    facts = Facts(job.key, "code", 0, 1.0, 1.0, 1, 5.0, 0.1, False, 100, {"OK": 1}, 0, 1.0, [{"code": "lens_changed"}])
    error, poses = np.where(off, 3.0, 0.1).astype(np.float32), np.tile(np.eye(4), (N, 1, 1))[:, :3].astype(np.float32)
    return Record(
        facts=facts,
        confidence=np.full(N, 0.9, np.float32),
        status=np.full(N, "OK", "<U12"),
        segment=np.zeros(N, np.int16),
        submap=(np.arange(N) >= 20).astype(np.int16),
        position_error=error,
        rotation_error_deg=0 * error,
        estimate=poses,
        truth=poses,
        witness_names=np.array(["reprojection_px", "step_jump"]),
        witnesses=witnesses,
    )


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """A judge whose coefficients were fitted to twelve made-up runs, from their file."""
    path = tmp_path_factory.mktemp("judge") / "coefficients.json"
    records = [made_up(seed, wrong) for seed in range(6) for wrong in (False, True)]
    prior = load_judge()
    fitted = calibrate(records, prior)
    write_coefficients(path, fitted, source(records, fitted, prior))
    assert load_judge(path) == fitted
    return fitted


def test_a_judge_fitted_to_the_bank_doubts_what_is_wrong_and_nothing_else(judge: Judge) -> None:
    bad, good = (rescored(made_up(100, wrong), judge) for wrong in (True, False))
    assert (bad.confidence[25:] < 0.5).all()
    assert (good.confidence > 0.5).mean() > 0.9
    assert not bad.facts.says_ok


def test_stretches_of_low_confidence_are_told_anew_and_others_stay(judge: Judge) -> None:
    stretches = rescored(made_up(100, True), judge).facts.stretches
    assert [s["code"] for s in stretches] == ["lens_changed", "low_confidence"]
    assert stretches[1]["rows"][1] == N - 1


def test_frames_between_windows_are_as_sure_as_the_less_sure_neighbour_and_those_without_pose_not_at_all(
    judge: Judge,
) -> None:
    record = made_up(100, True)
    record.status[[5, 30]], record.submap[[5, 30]] = "INTERPOLATED", -1
    record.status[10], record.submap[10], record.segment[10] = "UNPLACED", -1, -1
    confidence = rescored(record, judge).confidence
    assert confidence[5] == min(confidence[4], confidence[6])
    assert confidence[30] == min(confidence[29], confidence[31])
    assert confidence[10] == 0


def test_parts_of_different_runs_are_never_judged_together() -> None:
    poses = poses_of([made_up(0, True), made_up(1, True)], "moving")
    assert len(poses.right) == 2 * N
    assert (np.diff(poses.part) >= 0).all()
    assert len(np.unique(poses.part)) == 4
    assert np.array_equal(np.unique(poses.run), [0, 1])


def test_what_the_lens_is_worth_is_fitted_to_runs_in_which_it_alone_can_be_wrong() -> None:
    blurred, job = made_up(0, True), next(bank.ladders(apart=False, family="intrinsics")).job(0)
    of_the_lens = replace(blurred, facts=replace(blurred.facts, key=job.key))
    assert len(poses_of([blurred], "lens").right) == 0
    assert len(poses_of([of_the_lens], "lens").right) == N
