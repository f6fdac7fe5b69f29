"""`da3-stream` with a predictor that knows the truth of a made-up street and takes no time, in the place of sfm."""

from __future__ import annotations

from unittest.mock import patch

from da3_stream import cli
from da3_stream.predictors import sfm
from tests.worlds.street_predictor import StandIn

if __name__ == "__main__":
    with patch.object(sfm, "SfmPredictor", lambda **_: StandIn()):
        cli.main()
