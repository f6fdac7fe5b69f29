"""Splats of the town's true depth where no frame has been, beside points; and what views see through of them."""

from __future__ import annotations

import pytest

from benchmarks.rendering.held_out import rows
from benchmarks.tables import Row
from tests.worlds.towns import street_frame


@pytest.fixture(scope="module")
def drawn() -> dict[str, Row]:
    return {row["drawn"]: row for row in rows([street_frame(20 + i, (96, 72)) for i in range(8)])}


@pytest.mark.slow
def test_splats_are_three_decibels_above_the_best_points(drawn: dict[str, Row]) -> None:
    assert drawn["splats, best, fitted"]["gain"] > 3
    assert drawn["splats, best"]["gain"] > 1


@pytest.mark.slow
def test_pruning_by_views_takes_floaters_and_leaves_the_town(drawn: dict[str, Row]) -> None:
    pruned, spoilt = drawn["splats, best, pruned"], drawn["splats, best, with floaters"]
    assert pruned["floaters"] > 0.6 and pruned["others"] < 0.01
    assert pruned["psnr"] > spoilt["psnr"] + 0.3
    assert pruned["psnr"] > drawn["splats, best"]["psnr"] - 1
