"""A candidate becomes a loop only where geometry says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from da3_stream.loops.edge_information import PREDICTION_SIGMAS, combined_information
from da3_stream.loops.temporal_consistency import TemporalConsistency
from da3_stream.loops.verify import NEIGHBOURHOOD_FRAMES, LoopVerifier
from da3_stream.predictors.adapter import PredictorAdapter
from da3_stream.types import Alignment, Frame, LoopCandidate, LoopEdge, LoopRefusal, Predictor, Status, WindowGeometry
from tests.worlds.town_map import ExactPredictor, Failing, TownMap
from tests.worlds.towns import make_town

REACH = 5
FRAMES = 900
CHECK = np.diag(np.square([PREDICTION_SIGMAS[0] * 1e-6] * 3 + [PREDICTION_SIGMAS[1]] * 3 + [PREDICTION_SIGMAS[2]]))


@pytest.fixture(scope="module")
def exact() -> ExactPredictor:
    return ExactPredictor(make_town("block", frames=FRAMES, size=(96, 72), laps=3))


@pytest.fixture(scope="module")
def same_place(exact: ExactPredictor) -> LoopCandidate:
    """A frame of the second lap and the one of the first that is nearest to it."""
    places = exact.town.path.world_from_camera[:, :3, 3]
    nearest = int(np.linalg.norm(places[:200] - places[400], axis=1).argmin())
    return LoopCandidate(nearest, 400, 0.9, 5)


@pytest.fixture(scope="module")
def other_place(same_place: LoopCandidate) -> LoopCandidate:
    """The same street, twenty metres further."""
    return replace(same_place, earlier=same_place.earlier - 48)


def verified(
    exact: ExactPredictor, candidate: LoopCandidate, town: TownMap | None = None, predictor: Predictor | None = None
) -> LoopEdge | LoopRefusal:
    adapter = PredictorAdapter(predictor or exact)
    return LoopVerifier(adapter, town or TownMap(exact), REACH).verify(candidate)


def edge_of(verdict: LoopEdge | LoopRefusal) -> LoopEdge:
    assert isinstance(verdict, LoopEdge), verdict
    return verdict


def refusal_of(verdict: LoopEdge | LoopRefusal) -> LoopRefusal:
    assert isinstance(verdict, LoopRefusal), verdict
    return verdict


@pytest.mark.slow
def test_a_place_seen_again_is_a_loop_with_the_true_transform(exact: ExactPredictor, same_place: LoopCandidate) -> None:
    edge = edge_of(verified(exact, same_place))
    error = edge.a_from_b.inverse() @ TownMap(exact).true_a_from_b(edge.submaps)
    assert np.abs(error.log()).max() < 1e-3
    assert edge.certain
    assert edge.evidence["depth_agreement"] > 0.6 and edge.evidence["picture_agreement"] > 0.5
    np.testing.assert_allclose(edge.information, edge.information.T)
    assert np.linalg.eigvalsh(edge.information).min() > 0


@pytest.mark.slow
def test_a_loop_is_believed_no_more_than_one_prediction_can_know(
    exact: ExactPredictor, same_place: LoopCandidate
) -> None:
    edge = edge_of(verified(exact, same_place))
    sigmas = np.sqrt(np.diag(np.linalg.inv(edge.information)))
    assert (sigmas[3:6] > 0.004).all() and sigmas[6] > 0.009


@pytest.mark.slow
def test_the_information_is_that_of_both_halves_together() -> None:
    """Errors on the right of both alignments, drawn from their information, have 7 degrees of freedom in the edge."""
    rng = np.random.default_rng(0)
    fits, truths = [], []
    for _ in range(2):
        truths.append(Sim3.exp(rng.normal(0, [3, 3, 3, 0.5, 0.5, 0.5, 0.3])))
        root = rng.normal(size=(7, 7)) * [0.3, 0.3, 0.3, 0.02, 0.02, 0.02, 0.05]
        fits.append(Alignment(truths[-1], np.linalg.inv(root.T @ root * 0.01), 1.0, 0.0, Status.OK))
    information = combined_information(*fits, depth=1e-6)
    edge = truths[0] @ truths[1].inverse()
    sizes = []
    for _ in range(2000):
        a, b = (
            fit.previous_from_current
            @ Sim3.exp(rng.multivariate_normal(np.zeros(7), np.linalg.inv(fit.information) + CHECK / 2))
            for fit in fits
        )
        error = (edge.inverse() @ a @ b.inverse()).log()
        sizes.append(error @ information @ error)
    assert np.mean(sizes) == pytest.approx(7, rel=0.08)


@pytest.mark.slow
def test_drift_is_told_and_does_not_hide_a_loop(exact: ExactPredictor, same_place: LoopCandidate) -> None:
    drift = Sim3.exp([0.05, 0.0, 0.05, 0.0, 0.0, 0.005, 0.02])
    edge = edge_of(verified(exact, same_place, TownMap(exact, drift)))
    windows = edge.submaps[1] - edge.submaps[0]
    assert edge.certain
    assert edge.evidence["log_scale"] == pytest.approx(-0.02 * windows, abs=0.01)
    assert edge.evidence["turn"] == pytest.approx(0.005 * windows, abs=0.01)


@pytest.mark.slow
def test_another_place_is_refused(exact: ExactPredictor, other_place: LoopCandidate) -> None:
    refusal = refusal_of(verified(exact, other_place))
    assert refusal.reason == "the geometry does not overlap"
    assert refusal.evidence["depth_agreement"] < 0.2


@pytest.mark.slow
def test_a_predictor_that_puts_two_places_into_one_is_not_believed(
    exact: ExactPredictor, same_place: LoopCandidate
) -> None:
    """Streets alike: half the depth agrees, the pictures do not."""
    for further in (20, 48, 70, 90):
        candidate = replace(same_place, earlier=same_place.earlier - further)
        moved = np.arange(FRAMES)
        moved[300:] += candidate.earlier - candidate.later
        fooled = ExactPredictor(exact.town, np.clip(moved, 0, None))
        fooled.rendered = exact.rendered
        refusal_of(verified(exact, candidate, predictor=fooled))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": Status.FAILED}, "no geometry for both"),
        ({"status": Status.HELD}, "saw no motion"),
        ({"breaks": (11,)}, "two separate models"),
    ],
)
def test_a_prediction_that_ties_nothing_together_is_refused(
    exact: ExactPredictor, same_place: LoopCandidate, change: dict[str, object], reason: str
) -> None:
    assert reason in refusal_of(verified(exact, same_place, predictor=Failing(exact, **change))).reason


@pytest.mark.slow
def test_a_half_that_does_not_fit_its_window_is_refused(exact: ExactPredictor, same_place: LoopCandidate) -> None:
    spoilt = TownMap(exact)
    window = spoilt.submap_of(same_place.later)
    geometry = spoilt.geometry(window)
    noise = np.exp(np.random.default_rng(0).normal(0, 0.5, geometry.depth.shape))
    spoilt.made[window] = replace(geometry, depth=(geometry.depth * noise).astype(np.float32))
    refusal = refusal_of(verified(exact, same_place, spoilt))
    assert refusal.reason == "a half does not fit its window"
    assert refusal.evidence["residual"] > 0.1


@pytest.mark.slow
def test_frames_of_one_window_are_no_loop(exact: ExactPredictor) -> None:
    assert "one window" in refusal_of(verified(exact, LoopCandidate(100, 102, 1.0, 5))).reason


@pytest.mark.slow
def test_a_neighbourhood_is_thinned_out_evenly(exact: ExactPredictor, same_place: LoopCandidate) -> None:
    asked: list[list[int]] = []

    class Asked:
        def predict_pair(self, first: Sequence[Frame], second: Sequence[Frame]) -> WindowGeometry:
            asked.extend([frame.index for frame in frames] for frames in (first, second))
            return exact.predict([*first, *second])

    edge = edge_of(LoopVerifier(Asked(), TownMap(exact), 10).verify(same_place))
    assert edge.certain
    earlier, later = asked
    for side, frame in ((earlier, same_place.earlier), (later, same_place.later)):
        assert set(np.diff(side)) == {2} and len(side) == NEIGHBOURHOOD_FRAMES
        assert side[0] <= frame <= side[-1]


@pytest.mark.slow
def test_places_hardly_apart_in_time_are_refused(exact: ExactPredictor) -> None:
    assert "hardly apart in time" in refusal_of(verified(exact, LoopCandidate(100, 118, 1.0, 5))).reason


@pytest.mark.slow
def test_an_absurd_drift_is_refused(exact: ExactPredictor, same_place: LoopCandidate) -> None:
    town = TownMap(exact, Sim3.exp([0, 0, 0, 0, 0, 0, 0.3]))
    assert "no map drifts so far" in refusal_of(verified(exact, same_place, town)).reason


@pytest.fixture(scope="module")
def uncertain(exact: ExactPredictor, same_place: LoopCandidate) -> tuple[TownMap, LoopEdge, LoopEdge]:
    """Two loops at neighbouring places that imply an unusual drift."""
    town = TownMap(exact, Sim3.exp([0, 0, 0, 0, 0, 0, 0.08]))
    shifted = replace(same_place, earlier=same_place.earlier + 8, later=same_place.later + 8)
    first, second = (edge_of(verified(exact, candidate, town)) for candidate in (same_place, shifted))
    assert not first.certain and not second.certain
    return town, first, second


@pytest.mark.slow
def test_an_uncertain_loop_waits_for_a_neighbour(uncertain: tuple[TownMap, LoopEdge, LoopEdge]) -> None:
    town, first, second = uncertain
    corroboration = TemporalConsistency(town)
    assert corroboration.settle([first], first.submaps[1]) == []
    state = json.loads(json.dumps(corroboration.state()))
    again = TemporalConsistency(town)
    again.restore(state)
    settled = again.settle([second], second.submaps[1])
    assert [edge_of(edge).candidate for edge in settled] == [first.candidate, second.candidate]


@pytest.mark.slow
def test_a_neighbour_that_says_something_else_does_not_help(uncertain: tuple[TownMap, LoopEdge, LoopEdge]) -> None:
    town, first, second = uncertain
    other = replace(second, a_from_b=second.a_from_b @ Sim3.exp([20.0, 0, 0, 0, 0, 0, 0]))
    corroboration = TemporalConsistency(town)
    assert corroboration.settle([first, other], first.submaps[1]) == []
    refused = corroboration.settle([], first.submaps[1] + 10)
    assert {refusal_of(verdict).reason for verdict in refused} == {"uncertain, and no neighbour says the same"}


@pytest.mark.slow
def test_what_waits_at_the_end_is_refused(uncertain: tuple[TownMap, LoopEdge, LoopEdge]) -> None:
    town, first, _ = uncertain
    corroboration = TemporalConsistency(town)
    corroboration.settle([first], first.submaps[1])
    assert [refusal.candidate for refusal in corroboration.close()] == [first.candidate]
    assert corroboration.close() == []
