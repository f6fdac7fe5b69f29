"""A metric window says that it is in metres, as surely as its frames bear each other out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from da3_stream.scale import Refusal, metric_scale
from da3_stream.types import ScaleObservation, WindowGeometry


def heard(window: WindowGeometry) -> ScaleObservation:
    found = metric_scale(window, 7)
    assert isinstance(found, ScaleObservation)
    return found


def test_a_metric_window_is_in_metres(street: WindowGeometry) -> None:
    found = heard(street)
    assert (found.submap, found.log_scale, found.source, found.absolute) == (7, 0.0, "metric model", True)
    assert 0.05 <= found.sigma < 0.06


def test_frames_that_disagree_are_less_sure(street: WindowGeometry) -> None:
    factor = np.exp(0.2 * np.random.default_rng(0).standard_normal((len(street.depth), 1, 1)))
    uneven = heard(replace(street, depth=(street.depth * factor).astype(np.float32)))
    assert uneven.sigma > 0.15


def test_relative_depth_is_refused(street: WindowGeometry) -> None:
    assert metric_scale(replace(street, is_metric=False), 0) == Refusal("the model is not metric")


def test_frames_without_depth_or_pose_are_refused(street: WindowGeometry) -> None:
    unknown = np.full_like(street.window_from_camera, np.nan)
    for blind in (
        replace(street, depth=np.zeros_like(street.depth)),
        replace(street, window_from_camera=unknown),
        street.rows(np.array([0])),
    ):
        found = metric_scale(blind, 0)
        assert isinstance(found, Refusal)
        assert "pairs of frames" in found.reason
