"""Joins that are more likely wrong than right are told, over the frames that both submaps share."""

from __future__ import annotations

from dataclasses import replace

from da3_stream.session.advice.joins import doubtful_joins
from da3_stream.types import AdviceCode
from tests.worlds.street import street_scene


def test_a_join_in_doubt_is_told_with_the_frames_that_both_submaps_share() -> None:
    scene = street_scene()  # frames 0-11, 8-19 and 16-27
    first, second, third = scene.submaps
    joined = replace(scene, submaps=(first, replace(second, previous=0), replace(third, previous=1)))
    assert doubtful_joins(joined) == []
    doubted = replace(joined, submaps=(*joined.submaps[:2], replace(joined.submaps[2], join_confidence=0.4)))
    (advice,) = doubtful_joins(doubted)
    assert (advice.code, advice.first_frame, advice.last_frame) == (AdviceCode.JOIN_DOUBTFUL, 16, 19)
    assert advice.distrusts_map


def test_a_submap_that_begins_a_segment_has_no_join_to_doubt() -> None:
    scene = street_scene()
    alone = tuple(replace(submap, previous=None, join_confidence=0.0) for submap in scene.submaps)
    assert doubtful_joins(replace(scene, submaps=alone)) == []
