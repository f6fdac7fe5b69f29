"""Actors that the cluster has no room for."""

from __future__ import annotations

from pathlib import Path

import pytest

from da3_stream import pipeline
from da3_stream.distributed import RayEngine
from da3_stream.errors import EngineError
from tests.worlds.street_predictor import StandIn, pictures

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]


def test_actors_without_room_are_refused_by_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="9 actors need a core each, the cluster has 4"):
        pipeline.run(pictures(13), tmp_path / "run", None, StandIn(), engine=RayEngine(actors=9))
