"""What `auto` decides from the windows' heights, and the observations that follow."""

from __future__ import annotations

import numpy as np
import pytest

from da3_stream.scale import HeightObservation, Refusal, check_constant_height, height_observations

ASIDE = Refusal("the camera looks 80 degrees away from its way, not along it")


def heard(
    log_height: float = 0.5, spread: float = 0.03, found: float = 0.95, sway_deg: float = 0.4
) -> HeightObservation:
    rng = np.random.default_rng(0)
    angles = np.radians(sway_deg) * rng.standard_normal((2, 40))
    return HeightObservation(log_height, 0.01, spread, found, *angles)


def test_heights_that_agree_switch_it_on() -> None:
    verdict = check_constant_height([heard(), heard(), heard()], [0.0, 0.02, -0.01])
    assert verdict.on
    assert "found in 95% of the frames" in verdict.reason


def test_one_window_is_enough() -> None:
    assert check_constant_height([heard()], [0.0]).on


def test_nothing_seen_yet_leaves_it_off() -> None:
    assert not check_constant_height([], []).on


@pytest.mark.parametrize(
    ("window", "reason"),
    [
        (heard(found=0.4), "found in 40% of the frames"),
        (heard(spread=0.3), "spread by 30%"),
        (heard(sway_deg=6.0), "sways"),
        (ASIDE, "away from its way"),
    ],
)
def test_what_does_not_agree_leaves_it_off_and_says_why(window: HeightObservation | Refusal, reason: str) -> None:
    verdict = check_constant_height([window] * 4, [0.0] * 4)
    assert not verdict.on
    assert reason in verdict.reason


def test_windows_are_compared_in_the_chains_units() -> None:
    heights, scales = [0.5, 1.5, -0.5], [0.0, -1.0, 1.0]
    assert check_constant_height([heard(h) for h in heights], scales).on
    assert "differ" in check_constant_height([heard(h) for h in heights], [0.0] * 3).reason


def test_a_few_blind_windows_do_not_switch_it_off() -> None:
    assert check_constant_height([heard(), ASIDE, heard(), heard()], [0.0] * 4).on


def test_a_known_height_makes_absolute_observations_of_the_windows_that_saw_it() -> None:
    found = height_observations([heard(np.log(2.0)), ASIDE, heard(np.log(4.0))], 1.65)
    assert [o.submap for o in found] == [0, 2]
    assert [np.exp(o.log_scale) for o in found] == pytest.approx([0.825, 0.4125])
    assert all(o.absolute and o.sigma == 0.01 and o.source == "camera height" for o in found)


def test_an_unknown_height_makes_relative_ones() -> None:
    first, second = height_observations([heard(np.log(2.0)), heard(np.log(4.0))])
    assert not first.absolute
    assert first.log_scale - second.log_scale == pytest.approx(np.log(2.0))
