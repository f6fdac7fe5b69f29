from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.trust.calibration import Poses, calibration_error, fit, isotonic_map, roc_area
from da3_stream.trust.logistic import IsotonicMap, LogisticModel, Term
from da3_stream.trust.witnesses import KNOWN, witness

RUNS, ROWS = 60, 50
N = RUNS * ROWS
RUN = np.repeat(np.arange(RUNS), ROWS)
ALONE = np.arange(N)  # every pose is judged by itself
TRUTH = LogisticModel(1.5, {"coverage": Term(-0.6, 0.3, 1.6), "mystery": Term(0.0, 1.0, 0.8, missing=1.0)})


@pytest.fixture(scope="module")
def poses() -> Poses:
    """Witnesses of poses that are right as often as a known model says; `noise` knows nothing."""
    rng = np.random.default_rng(3)
    mystery = np.where(rng.random(N) < 0.2, np.nan, rng.normal(1.0, 1.0, N))
    values = {"coverage": rng.uniform(0.1, 1.0, N), "mystery": mystery, "noise": rng.normal(size=N)}
    return Poses(values, rng.random(N) < TRUTH.score(values, ALONE), RUN, ALONE, RUN)


@pytest.mark.slow
def test_known_coefficients_are_found_again(poses):
    model = fit(poses, ["coverage", "mystery", "noise"])
    assert np.abs(model.score(poses.values, ALONE) - TRUTH.score(poses.values, ALONE)).mean() < 0.02
    weight = {name: (term.own + term.near) / term.spread for name, term in model.terms.items()}
    assert weight["mystery"] == pytest.approx(0.8, abs=0.4) and weight["noise"] < 0.15


def test_probabilities_of_poses_that_were_not_seen_are_honest(poses):
    seen, unseen = poses.of(RUN < RUNS // 2), poses.of(RUN >= RUNS // 2)
    told = fit(seen, [*poses.values]).probability(unseen.values, unseen.part)
    assert calibration_error(told, unseen.right) < 0.05
    assert roc_area(told, unseen.right) > 0.7


def test_more_doubt_is_never_more_confidence_even_where_the_sample_says_so():
    rng = np.random.default_rng(5)
    values = {"track_scale": rng.uniform(0.01, 1.0, 400)}
    right = values["track_scale"] > 0.5  # the wrong way round
    run, alone = np.arange(400) // 20, np.arange(400)
    model = fit(Poses(values, right, run, alone, run), ["track_scale"])
    line = {"track_scale": np.geomspace(0.01, 1.0, 50)}
    assert (np.diff(model.score(line, np.arange(50))) <= 1e-12).all()


def test_what_the_poses_cannot_tell_stays_what_was_known_beforehand():
    rng = np.random.default_rng(7)
    values = {"coverage": rng.uniform(0.1, 1.0, 60), "mystery": np.full(60, np.nan)}
    run, right = np.arange(60) // 20, rng.random(60) < 0.5
    model = fit(Poses(values, right, run, np.arange(60), run), [*values], prior=TRUTH, ridges=(1e6,))
    for name, known in TRUTH.terms.items():
        found = model.terms[name]
        assert (found.centre, found.spread) == (known.centre, known.spread)
        assert (found.own, found.missing) == pytest.approx((known.own, known.missing), abs=1e-3)


def test_every_run_counts_as_much_as_any_other():
    run = np.array([*[0] * 400, *range(1, 21)])  # one long run that is right, twenty short ones that are not
    poses = Poses({"mystery": np.zeros(420)}, run == 0, run, np.arange(420), run)
    model = fit(poses, ["mystery"], ridges=(1.0,))
    assert model.score({"mystery": np.zeros(1)}, np.zeros(1, np.int64))[0] < 0.1


@pytest.mark.slow
def test_a_wrong_pose_that_counts_more_makes_all_less_sure(poses):
    plain, wary = (fit(poses, ["coverage"], lie=lie).probability(poses.values, ALONE) for lie in (1.0, 3.0))
    assert (wary < plain).mean() > 0.9


def test_a_run_without_any_witness_still_gets_a_probability():
    told = TRUTH.probability({"coverage": np.full(3, np.nan)}, np.zeros(3, np.int64))
    assert ((told > 0) & (told < 1)).all() and np.isfinite(told).all()


def test_a_doubt_reaches_its_neighbours_but_not_the_next_part():
    model = LogisticModel(2.0, {"mystery": Term(0.0, 1.0, 0.0, near=1.0)})
    values = {"mystery": np.where(np.arange(40) == 5, 4.0, 0.0)}
    told = model.probability(values, (np.arange(40) >= 10).astype(np.int64))
    assert (told[:10] < 0.5).all() and (told[10:] > 0.5).all()


def test_no_witness_outvotes_all_others():
    terms = {name: Term(0.0, 1.0, 1.0) for name in "abcdef"}
    model = LogisticModel(3.0, terms)
    values = {name: np.array([0.0, 0.0]) for name in terms} | {"a": np.array([1e9, -1e9])}
    told = model.probability(values, np.zeros(2, np.int64))
    assert 0.2 < told[0] < 0.5 and told[1] < 0.99


def test_the_isotonic_map_rises_and_keeps_within_what_was_seen():
    rng = np.random.default_rng(1)
    score = rng.random(500)
    honest = isotonic_map(score, rng.random(500) < score**2)
    scores, levels = honest.scores, honest.probabilities
    assert (np.diff(scores) > 0).all() and (np.diff(levels) >= 0).all() and levels[0] > 0 and levels[-1] < 1
    assert honest(np.array([0.5]))[0] == pytest.approx(0.25, abs=0.12)


def test_coefficients_come_back_from_their_file():
    model = replace(TRUTH, honest=IsotonicMap((0.0, 0.4, 1.0), (0.1, 0.2, 0.9)))
    assert LogisticModel.from_json(model.to_json()) == model


def test_every_witness_of_the_coefficients_is_described(package_judge):
    names = {name for model in package_judge.models.values() for name in model.terms}
    assert names <= set(KNOWN) and all(witness(name).meaning for name in names)
