"""What a run tells those who look at its places again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from da3_stream.slam.submaps import SubmapStore
from da3_stream.store import create_run
from tests.worlds.street import SIZE, SOURCE_SIZE, SUBMAPS, street_part, street_scene, world_from_camera


@pytest.fixture
def known(tmp_path: Path) -> SubmapStore:
    """The three submaps of the street, with pictures of another size than the depth maps."""
    run = create_run(tmp_path / "run")
    found = SubmapStore(run, street_scene(), is_metric=False)
    for number in range(3):
        part = street_part(number)
        shown = tuple(np.full((40, 60, 3), 10 * number, np.uint8) for _ in range(int(part.owned.sum())))
        part = replace(part, images=shown)
        found.add(number, part)
    return found


def test_every_frame_is_known_to_the_submap_that_owns_it(known: SubmapStore) -> None:
    for number, (_, _, first, end) in enumerate(SUBMAPS):
        assert {known.submap_of(frame) for frame in range(first, end)} == {number}
    with pytest.raises(KeyError, match="no window owns frame 28"):
        known.submap_of(28)


def test_stored_windows_come_back_with_their_owned_frames(known: SubmapStore) -> None:
    geometry = known.geometry(1)
    assert geometry.frame_indices.tolist() == list(range(10, 18))
    assert geometry.images.shape == (8, SIZE[1], SIZE[0], 3)
    np.testing.assert_allclose(geometry.depth, street_part(1).depth, rtol=1e-3)


def test_frames_come_back_as_the_predictor_took_them(known: SubmapStore) -> None:
    first, second = known.frames([3, 12])
    assert (first.index, first.timestamp, first.source_size) == (3, pytest.approx(0.3), SOURCE_SIZE)
    assert first.image.shape == (40, 60, 3) and abs(int(second.image.mean()) - 10) <= 1


def test_the_way_is_that_of_the_camera_in_the_world(known: SubmapStore) -> None:
    centres = np.stack([world_from_camera(frame)[:3, 3] for frame in range(28)])
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    assert known.path_length(2, 9) == pytest.approx(steps[2:9].sum(), rel=1e-6)
    assert known.path_length(2, 25) == pytest.approx(steps[2:25].sum(), rel=1e-6)
    submaps = known.scene.submaps
    known.scene = replace(known.scene, submaps=(*submaps[:2], replace(submaps[2], segment=1)))
    assert np.isnan(known.path_length(2, 25)) and known.path_length(2, 12) > 0
