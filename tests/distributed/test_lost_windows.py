"""Whatever an actor is at when it ends: nothing is lost, and nothing is asked for twice but what was lost with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

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


def test_actors_end_while_they_start_in_a_window_as_they_send_it_and_in_a_loop_check(tmp_path: Path) -> None:
    """One window ends whoever looks at it: it has failed after two, and harms no other."""
    poisoned, sent = 3 * STEP, 5 * STEP
    troubles = [Trouble("loading"), Trouble("during", poisoned, ALWAYS), Trouble("sending", sent), Trouble("pair", 1)]
    found = {}
    for name, engine, given in (("here", LocalEngine(), []), ("there", RayEngine(actors=2), troubles)):
        with asking(engine, Troubled(StandIn(), tmp_path / name, *given)) as predictor:
            geometries = [prediction.geometry for prediction in predict_all(predictor)]
            found[name] = [*geometries, predictor.predict_pair(*PAIR)]
    failed = found["there"].pop(3)
    assert failed.status == Status.FAILED and "ended 2 times" in failed.notes[0]
    assert found["here"].pop(3).status == Status.OK
    assert list(map(told, found["there"])) == list(map(told, found["here"]))
    assert len(ended(tmp_path / "there")) == 5
    assert asked(tmp_path / "there").keys() == asked(tmp_path / "here").keys()
    assert repeated(tmp_path / "there") == [poisoned, sent]
    assert repeated(tmp_path / "there", "pair") == [1]


def test_what_was_learnt_is_not_lost_and_not_learnt_twice(tmp_path: Path) -> None:
    troubles = [Trouble("state", STEP), Trouble("before", 5 * STEP)]
    found = {}
    for name, engine, given in (("here", LocalEngine(), []), ("there", RayEngine(actors=1), troubles)):
        with asking(engine, Troubled(Learner(StandIn()), tmp_path / name, *given)) as predictor:
            predictions_found = predict_all(predictor)
            pair = predictor.predict_pair(*PAIR)
        found[name] = [(told(each.geometry), each.state) for each in predictions_found], told(pair)
    assert found["there"] == found["here"]
    assert repeated(tmp_path / "there") == [STEP, 5 * STEP]
    learning = [note.span[0] for note in notes_of(tmp_path / "there") if note.what == "window"][:4]
    assert learning == [0, STEP, STEP, 2 * STEP]  # one by one
