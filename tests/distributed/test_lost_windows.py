"""Whatever an actor is at when it ends: nothing is lost, and nothing is asked for twice but what was lost with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from da3_stream.distributed import RayEngine
from da3_stream.predictors.adapter import PredictorAdapter
from da3_stream.predictors.engine import Engine, GivenRecipe, LocalEngine
from da3_stream.predictors.scheduler import SerializedPredictor, WindowPrediction, predictions
from da3_stream.types import Frame, Predictor, Status, WindowGeometry
from da3_stream.windows import windows
from tests.faults.troubled import ALWAYS, Learner, Trouble, Troubled, asked, ended, notes_of
from tests.worlds.street_predictor import WINDOWS, StandIn, pictures

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]

STEP, COUNT = WINDOWS["size"] - WINDOWS["overlap"], 7
FRAMES = [Frame(k, k / 10, picture, str(k)) for k, picture in enumerate(pictures(WINDOWS["size"] + (COUNT - 1) * STEP))]
PAIR = FRAMES[1:3], FRAMES[40:43]


@contextmanager
def asking(engine: Engine, predictor: Predictor) -> Iterator[SerializedPredictor]:
    with engine.open(GivenRecipe(predictor)) as there:
        yield SerializedPredictor(PredictorAdapter(there))


def predict_all(predictor: SerializedPredictor) -> list[WindowPrediction]:
    with closing(predictions(windows(FRAMES, **WINDOWS), predictor)) as found:
        return list(found)


def told(geometry: WindowGeometry) -> list[Any]:
    return [array.tolist() for array in (geometry.depth, geometry.window_from_camera, geometry.images)]


def repeated(folder: Path, what: str = "window") -> list[int]:
    """First frames of what was asked for once more."""
    return sorted(first for (first, _), count in asked(folder, what).items() for _ in range(count - 1))


def test_an_actor_may_end_before_and_after_a_window_and_in_a_loop_check(tmp_path: Path) -> None:
    troubles = [Trouble("before", STEP), Trouble("sending", 4 * STEP), Trouble("pair", 1)]
    found = {}
    for name, engine in (("here", LocalEngine()), ("there", RayEngine(actors=2))):
        given = troubles if name == "there" else []
        with asking(engine, Troubled(StandIn(), tmp_path / name, *given)) as predictor:
            geometries = [prediction.geometry for prediction in predict_all(predictor)]
            found[name] = [told(geometry) for geometry in (*geometries, predictor.predict_pair(*PAIR))]
    assert found["there"] == found["here"] and len(found["there"]) == COUNT + 1
    assert len(ended(tmp_path / "there")) == len(troubles)
    assert asked(tmp_path / "there").keys() == asked(tmp_path / "here").keys()
    assert repeated(tmp_path / "there") == [STEP, 4 * STEP]
    assert repeated(tmp_path / "there", "pair") == [1]


def test_what_was_learnt_is_not_lost_and_not_learnt_twice(tmp_path: Path) -> None:
    troubles = [Trouble("state", STEP), Trouble("during", 5 * STEP)]
    found = {}
    for name, engine in (("here", LocalEngine()), ("there", RayEngine(actors=2))):
        given = troubles if name == "there" else []
        with asking(engine, Troubled(Learner(StandIn()), tmp_path / name, *given)) as predictor:
            windows_found = predict_all(predictor)
            pair = predictor.predict_pair(*PAIR)
        found[name] = [(told(each.geometry), each.state) for each in windows_found], told(pair)
    assert found["there"] == found["here"]
    assert repeated(tmp_path / "there") == [STEP, 5 * STEP]
    learning = [note.span[0] for note in notes_of(tmp_path / "there") if note.what == "window"][:4]
    assert learning == [0, STEP, STEP, 2 * STEP]  # one by one


def test_a_window_that_ends_whoever_looks_at_it_is_asked_for_twice_and_harms_no_other(tmp_path: Path) -> None:
    troubles = [Trouble("loading"), Trouble("during", 3 * STEP, ALWAYS)]
    with asking(RayEngine(actors=2), Troubled(StandIn(), tmp_path, *troubles)) as predictor:
        found = [prediction.geometry for prediction in predict_all(predictor)]
    assert [geometry.status == Status.FAILED for geometry in found] == [k == 3 for k in range(COUNT)]
    assert found[3].notes and all(np.isfinite(geometry.depth).all() for geometry in found)
    assert repeated(tmp_path) == [3 * STEP] and len(asked(tmp_path)) == COUNT
