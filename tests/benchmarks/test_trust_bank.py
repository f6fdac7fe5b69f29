"""The bank of benchmarks/trust: labels are exact, runs are repeatable, nothing is run twice, nothing apart is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from benchmarks.trust import bank, families, labels, ladders, scoring
from benchmarks.trust.bank import Job, Ladder
from benchmarks.trust.calibration import calibrate
from benchmarks.trust.inputs import movers, overlays
from benchmarks.trust.inputs.sequences import Sequence
from benchmarks.trust.records import Facts, Record, RecordFolder
from benchmarks.trust.runner import Bench
from benchmarks.trust.shards import pack, unpack
from benchmarks.trust.statistics import Share, calibration_error, reliability, roc_area

N = 40


def drive(n: int = N) -> NDArray[np.float64]:
    """A straight drive of 0.5 m a frame, looking ahead."""
    poses = np.tile(np.eye(4), (n, 1, 1))
    poses[:, 2, 3] = 0.5 * np.arange(n)
    return poses


def in_other_units(poses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same poses in a world of another origin, orientation and unit."""
    turn = Rotation.from_rotvec([0.3, -1.0, 0.4]).as_matrix()
    out = poses.copy()
    out[:, :3, :3] = turn @ poses[:, :3, :3]
    out[:, :3, 3] = 0.17 * poses[:, :3, 3] @ turn.T + (3.0, 1.0, -2.0)
    return out


def errors(estimate: NDArray[np.float64], segment: NDArray[np.int64] | None = None) -> labels.PoseErrors:
    return labels.pose_errors(drive(), estimate, np.zeros(N, np.int64) if segment is None else segment, 8.0)


def test_exact_poses_in_other_units_are_right_on_a_straight_line() -> None:
    found = errors(in_other_units(drive()))
    assert found.right.all()
    assert np.allclose(found.position, 0, atol=1e-9)
    assert np.allclose(found.rotation_deg, 0, atol=1e-5)


def test_a_pose_beside_the_path_is_wrong_and_those_far_from_it_are_right() -> None:
    poses = drive()
    poses[20, 0, 3] += 1.0
    found = errors(in_other_units(poses))
    assert np.flatnonzero(~found.right).tolist() == [20]
    # all 21 rows around it are 10 m of path: 0.5 m is allowed, and the fit takes about 1/21 of the metre off
    assert found.position[20] == pytest.approx((1.0 - 1 / 21) / 0.5, rel=1e-2)


def test_a_turned_camera_is_wrong_and_the_rest_is_right() -> None:
    poses = drive()
    poses[5, :3, :3] = Rotation.from_euler("y", 2.0, degrees=True).as_matrix()
    assert np.flatnonzero(~errors(poses).right).tolist() == [5]


def test_a_scale_that_breaks_is_wrong_around_the_break_alone() -> None:
    poses = drive()
    poses[20:, 2, 3] += np.arange(20) * 0.5 * 2.0
    wrong = np.flatnonzero(~errors(poses).right)
    assert 20 in wrong
    assert wrong.min() >= 10
    assert wrong.max() <= 29


def test_short_segments_and_missing_poses_are_not_scored() -> None:
    poses, segment = drive(), np.zeros(N, np.int64)
    poses[30:33], segment[30:33] = np.nan, -1
    segment[33:39] = 1  # six rows
    found = errors(poses, segment)
    assert not found.scored[30:39].any()
    assert found.scored[:30].all()


def test_small_wobble_of_a_standing_camera_is_right_by_the_depth() -> None:
    rng, still = np.random.default_rng(1), np.tile(np.eye(4), (N, 1, 1))
    poses = still.copy()
    poses[:, :3, 3] += rng.normal(0, 0.01, (N, 3))
    assert labels.pose_errors(still, poses, np.zeros(N, np.int64), 8.0).right.all()


def test_where_no_similarity_fits_no_pose_is_right_by_chance() -> None:
    rng, held = np.random.default_rng(2), np.tile(np.eye(4), (N, 1, 1))
    assert not errors(held).right.any()
    held[:, :3, 3] = rng.normal(0, 1, (N, 3))
    assert not errors(held).right.any()


def test_ate_is_of_every_segment_in_its_own_frame() -> None:
    poses, segment = drive(), np.repeat([0, 1], N // 2)
    poses[20:] = in_other_units(poses[20:])
    assert labels.ate_percent(drive(), poses, segment) == pytest.approx(0, abs=1e-9)
    poses[10, 0, 3] += 1.0
    assert labels.ate_percent(drive(), poses, segment) > 0.5


def test_turn_errors_are_told_to_a_hundredth_of_a_degree() -> None:
    truth = np.tile(np.eye(4), (N, 1, 1))
    truth[:, :3, :3] = Rotation.from_euler("y", 2.0 * np.arange(N)[:, None], degrees=True).as_matrix()
    found = in_other_units(truth)
    assert labels.turn_error_deg(truth, found, np.zeros(N, np.int64)) < 1e-5
    found[7, :3, :3] = found[7, :3, :3] @ Rotation.from_euler("x", 0.8, degrees=True).as_matrix()
    assert labels.turn_error_deg(truth, found, np.zeros(N, np.int64)) == pytest.approx(0.78, abs=0.01)


def clip(n: int = 64) -> Sequence:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (n, 48, 64, 3)).astype(np.uint8)
    return Sequence(images, drive(n), (50.0, 50.0, 31.5, 23.5), 8.0)


@pytest.mark.parametrize("variant", [v for v in families.VARIANTS if v.edit], ids=lambda v: f"{v.family}-{v.name}")
def test_edits_are_the_same_on_every_call_and_keep_truth_beside_images(variant: families.Variant) -> None:
    job = Ladder(variant, 0).job(2)
    assert variant.edit is not None
    once, again = (variant.edit(clip(variant.frames), variant.steps[2], bank.generator(job)) for _ in range(2))
    assert np.array_equal(once.images, again.images)
    assert len(once.truth) == len(once.images) >= 38
    assert (once.truth[:, :3, :3] == np.eye(3)).all()


def test_overlays_cover_more_from_step_to_step_and_stay_in_place() -> None:
    for kind in overlays.OVERLAYS:
        masks = [overlays.overlay_mask(kind, (224, 168), s, np.random.default_rng(3)) for s in (0.08, 0.18, 0.32, 0.66)]
        shares = [mask.mean() for mask in masks]
        assert sorted(shares) == shares, kind
        assert 0.02 < shares[0] < 0.2, kind
        assert 0.4 < shares[-1] < 0.9, kind
    painted = overlays.overlay(clip(), "bonnet", 0.3, np.random.default_rng(0))
    assert (painted.images[0] == painted.images[9]).all(axis=2).mean() > 0.2


def test_the_lorry_passes_while_the_camera_stands() -> None:
    passed = movers.lorry(clip(44), 1.0, np.random.default_rng(0))
    steps = np.linalg.norm(np.diff(passed.truth[:, :3, 3], axis=0), axis=1)
    assert (steps < 1e-9).sum() >= movers.STAND - 1


def test_the_bank_is_large_enough_and_half_of_it_is_set_apart() -> None:
    all_ladders = list(bank.ladders())
    jobs = [job for ladder in all_ladders for job in ladder.jobs]
    assert len({job.key for job in jobs}) == len(jobs) >= 300
    assert sum(job.windows for job in jobs) > len(jobs) / 3
    assert all(Job.of_key(job.key) == job for job in jobs)
    assert {ladder.variant.family for ladder in all_ladders if not ladder.apart}.isdisjoint(families.WHOLLY_APART)
    usual = [ladder for ladder in all_ladders if ladder.variant.family not in families.WHOLLY_APART]
    assert sum(ladder.apart for ladder in usual) == len(usual) / 2


def record(job: Job, ate: float = 0.1, confidence: float = 0.9, right: bool = True, share: float = 1.0) -> Record:
    facts = Facts(job.key, "code", 0, 1.0, 1.0, 1, ate, 0.1, False, 100, {"OK": 1}, 0, share)
    error = np.full(N, 0.1 if right else 3.0, np.float32)
    poses, rows = drive()[:, :3].astype(np.float32), np.zeros(N, np.int16)
    told = np.full(N, confidence, np.float32)
    names = np.array(["measured"])
    return Record(facts, told, np.full(N, "OK"), rows, rows, error, error * 0, poses, poses, names, told[None])


class Program(Bench):
    """A program whose runs go wrong from a step on, and that counts them."""

    def run(self, job: Job) -> Record:
        with (self.cache / "runs").open("a") as file:
            file.write(f"{job.key}\n")
        return record(job, ate=5.0 if job.step >= 2 and job.family != bank.CLEAN else 0.1)


def some_ladder(first: int = 0) -> Ladder:
    ladder = next(bank.ladders(family="blur"))
    return replace(ladder, variant=replace(ladder.variant, first=first))


def test_a_ladder_ends_at_the_first_wrong_run_and_nothing_is_run_twice(tmp_path: Path) -> None:
    climber = ladders.Climber(Program(tmp_path), RecordFolder(tmp_path / "records"))
    done = climber.climb(some_ladder())
    assert [r.facts.job.step for r in done] == [0, 0, 1, 2]
    assert len((tmp_path / "runs").read_text().splitlines()) == 4
    again = climber.climb(some_ladder())
    assert [r.facts.key for r in again] == [r.facts.key for r in done]
    assert len((tmp_path / "runs").read_text().splitlines()) == 4


@pytest.mark.parametrize("first", [0, 1, 2, 4])
def test_a_ladder_begun_in_the_middle_finds_the_same_wrong_run(tmp_path: Path, first: int) -> None:
    climber = ladders.Climber(Program(tmp_path), RecordFolder(tmp_path / "records"))
    _, *done = climber.climb(some_ladder(first))
    steps = [r.facts.job.step for r in done]
    assert steps == sorted(steps) and {1, 2} <= set(steps)


def test_every_variant_comes_once_before_any_comes_again() -> None:
    names = [(ladder.variant.family, ladder.variant.name) for ladder in bank.ladders(apart=False)]
    assert len(set(names[: len(set(names))])) == len(set(names))


def test_records_are_the_same_after_packing(tmp_path: Path) -> None:
    one, other = record(some_ladder().job(1)), record(some_ladder().job(2))
    other = replace(other, witness_names=np.array(["bend_deg"]), estimate=in_other_units(drive())[:, :3].astype("f4"))
    other.estimate[5], other.position_error[5], other.status[5] = np.nan, np.nan, "UNPLACED"
    pack([one, other], tmp_path / "some.npz")
    for made, read in zip([one, other], unpack(tmp_path / "some.npz"), strict=True):
        assert read.facts == made.facts
        assert read.witness_names.tolist() == made.witness_names.tolist()
        assert np.allclose(read.witnesses, made.witnesses, rtol=1e-3)
        assert np.array_equal(read.status, made.status)
        assert np.array_equal(read.right, made.right)
        assert np.allclose(read.estimate, made.estimate, atol=1e-5, equal_nan=True)


def test_scores_count_the_lowest_wrong_run_of_every_ladder() -> None:
    blur, fog = some_ladder(), next(bank.ladders(family="low_texture"))
    assert blur.clean is not None
    runs = scoring.counted(
        [
            record(blur.clean),
            record(blur.job(0), ate=0.2, share=0.5),
            record(blur.job(1), ate=4.0, right=False),
            record(blur.job(2), ate=9.0, right=False),
            record(fog.job(0), ate=2.0, right=False, confidence=0.1, share=0.0),
        ]
    )
    assert [r.facts.key for r in runs.wrong] == [blur.job(1).key, fog.job(0).key]
    assert runs.silent == Share(1, 2)
    assert runs.doubted == Share(N, 2 * N)
    assert runs.alarmed == Share(1, 2)


def test_wrong_is_measured_by_the_clean_run_and_needs_poses() -> None:
    facts = record(some_ladder().job(0), ate=2.5).facts
    assert facts.is_wrong(0.1)
    assert not facts.is_wrong(1.0)
    assert not replace(facts, placed=0.6).is_wrong(0.1)
    turning = replace(facts, turns=True, ate_percent=np.nan, points=0, turn_error_deg=0.4)
    assert not turning.is_wrong(np.nan)
    assert replace(turning, turn_error_deg=0.6).is_wrong(np.nan)
    assert replace(turning, points=1).is_wrong(np.nan)


def test_runs_set_apart_are_no_evidence_and_nothing_is_told_of_them() -> None:
    apart = record(replace(some_ladder(), seed=1).job(0), ate=7.77)
    with pytest.raises(ValueError, match="set apart"):
        calibrate([apart], None)  # type: ignore[arg-type]
    assert "7.77" not in ladders.line(apart)
    assert "OK" not in ladders.line(apart)


def test_intervals_and_calibration_are_those_of_the_books() -> None:
    assert Share(2, 100).interval == pytest.approx((0.0024, 0.0704), abs=1e-4)
    assert Share(0, 50).interval == pytest.approx((0.0, 0.0711), abs=1e-4)
    confidence, right = np.array([0.95, 0.95, 0.05, 0.05]), np.array([True, True, False, True])
    assert calibration_error(reliability(confidence, right)) == pytest.approx((2 * 0.05 + 2 * 0.45) / 4)
    assert roc_area(confidence, right) == pytest.approx(5 / 6)
