"""A model refined under another lens is the one that mapping with that lens makes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from da3_stream.geometry.lens import Lens
from da3_stream.predictors.sfm.mapping.global_mapping import map_window
from da3_stream.predictors.sfm.mapping.sparse_model import FreeLens, SparseModel, refine_models
from da3_stream.predictors.sfm.matching.pairs import verify_chunk
from tests.predictors.sfm.mapping.walks import LENS, SIZE, check_poses, pictures, seen_matches

BENT = replace(LENS, k1=-0.04)


def models_of(true_lens: Lens, believed: Lens, free: FreeLens) -> list[SparseModel]:
    xy, ids = pictures(true_lens)
    return map_window(xy, verify_chunk(dict(enumerate(xy)), seen_matches(ids), believed), believed, SIZE, free)


@pytest.fixture(scope="module")
def free() -> SparseModel:
    """Of a lens that was free as a whole."""
    return models_of(BENT, LENS, FreeLens(focal=True, radial=True))[0]


@pytest.mark.slow
def test_a_solution_stays_where_it_is(free: SparseModel) -> None:
    assert free.estimate is not None
    (again,) = refine_models(pictures(BENT)[0], [free], free.estimate.lens, SIZE, FreeLens(focal=True, radial=True))
    np.testing.assert_array_equal(again.rows, free.rows)
    np.testing.assert_allclose(again.model_from_camera, free.model_from_camera, atol=1e-3)
    assert again.estimate is not None
    assert again.estimate.lens.fx == pytest.approx(free.estimate.lens.fx, rel=1e-4)
    assert again.estimate.k1_sigma == pytest.approx(free.estimate.k1_sigma, rel=0.02)


@pytest.mark.slow
def test_the_cameras_are_those_of_the_lens_that_is_held(free: SparseModel) -> None:
    (held,) = refine_models(pictures(BENT)[0], [free], BENT, SIZE, FreeLens())
    assert held.estimate is None
    check_poses(held, 1e-3)


@pytest.mark.slow
def test_a_lens_without_its_distortion_is_learnt_from_the_model_with_it(free: SparseModel) -> None:
    """The focal length alone, which takes up what it can of the distortion: as mapping anew finds it."""
    (anew,) = models_of(BENT, LENS, FreeLens(focal=True))
    (refined,) = refine_models(pictures(BENT)[0], [free], LENS, SIZE, FreeLens(focal=True))
    assert anew.estimate is not None and refined.estimate is not None
    assert refined.estimate.lens.fx == pytest.approx(anew.estimate.lens.fx, rel=2e-3)
    assert refined.estimate.lens.k1 == 0.0


def test_nothing_is_written_to_the_terminal(free: SparseModel, capfd: pytest.CaptureFixture[str]) -> None:
    refine_models(pictures(BENT)[0], [free], BENT, SIZE, FreeLens())
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_rows_that_are_not_in_the_model_stay_out(free: SparseModel) -> None:
    xy, ids = pictures(LENS)
    xy[3], ids[3] = xy[3][:0], ids[3][:0]  # a picture that shows nothing
    views = verify_chunk(dict(enumerate(xy)), {p: m for p, m in seen_matches(ids).items() if len(m) > 15}, LENS)
    models = map_window(xy, views, LENS, SIZE, FreeLens())
    (again,) = refine_models(xy, models, LENS, SIZE, FreeLens())
    assert again.rows.tolist() == models[0].rows.tolist() == [0, 1, 2, *range(4, 14)]
    for refined, before in zip(again.observations, models[0].observations, strict=True):
        np.testing.assert_array_equal(refined, before)
