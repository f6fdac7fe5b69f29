"""What extractors promise: one unit vector a frame, none for what shows nothing, the same every time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from da3_stream.errors import LoopsError
from da3_stream.loops import DescriptorExtractor, choose_extractor
from da3_stream.loops.descriptor import DinoExtractor
from da3_stream.loops.vlad import VladExtractor
from da3_stream.settings import LoopsSettings
from da3_stream.types import WindowGeometry
from tests.worlds.places import looks, ring, windows_of
from tests.worlds.towns import make_town


@pytest.fixture(scope="module")
def town() -> WindowGeometry:
    """Twelve frames of a drive; the last three are the first three seen again by a camera a little to the left."""
    drive = make_town("block", frames=60, size=(160, 120))
    images = np.stack([drive.frame(index).image for index in (*range(0, 45, 5), 0, 5, 10)])
    images[9:] = np.roll(images[9:], 4, axis=2)
    poses = drive.path.world_from_camera[:12]
    return replace(windows_of(poses)[0], images=images)


@pytest.mark.slow
def test_vlad_knows_a_place_again(town: WindowGeometry, tmp_path: Path) -> None:
    vectors = VladExtractor(tmp_path / "words.npz").extract(town)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    likeness = vectors[9:] @ vectors[:9].T
    assert likeness.argmax(axis=1).tolist() == [0, 1, 2]
    assert (likeness.max(axis=1) > 3 * np.median(likeness, axis=1)).all()


@pytest.mark.slow
def test_vlad_is_the_same_every_time_and_from_its_file(town: WindowGeometry, tmp_path: Path) -> None:
    first = VladExtractor(tmp_path / "words.npz").extract(town)
    other = VladExtractor(tmp_path / "other.npz").extract(town)
    np.testing.assert_array_equal(first, other)
    later = town.rows(np.array([7, 8]))
    again = VladExtractor(tmp_path / "words.npz").extract(later)
    np.testing.assert_array_equal(again, first[7:9])


@pytest.mark.slow
def test_vlad_waits_for_a_window_that_shows_enough(town: WindowGeometry, tmp_path: Path) -> None:
    extractor = VladExtractor(tmp_path / "words.npz")
    dark = replace(town, images=np.zeros_like(town.images))
    assert np.isnan(extractor.extract(dark)).all()
    assert not (tmp_path / "words.npz").exists()
    assert np.isfinite(extractor.extract(town)).all()
    assert np.isnan(extractor.extract(dark)).all()


@pytest.mark.slow
def test_what_is_masked_gives_no_descriptor(town: WindowGeometry, tmp_path: Path) -> None:
    mask = np.ones(town.images.shape[1:3], np.bool_)
    mask[80:] = False
    painted = town.images.copy()
    painted[:, 80:] = np.random.default_rng(0).integers(0, 255, painted[:, 80:].shape)
    masks = (mask,) * len(painted)
    plain = VladExtractor(tmp_path / "a.npz").extract(replace(town, masks=masks))
    likeness = VladExtractor(tmp_path / "a.npz").extract(replace(town, images=painted, masks=masks)) @ plain.T
    assert likeness.argmax(axis=1).tolist() == list(range(12)) and np.diag(likeness).min() > 0.8
    nothing = replace(town, masks=(np.zeros_like(mask),) * len(painted))
    assert np.isnan(VladExtractor(tmp_path / "a.npz").extract(nothing)).all()


def test_dino_takes_the_predictors_descriptors() -> None:
    poses = ring(240, 0.5, 0.1)
    window = windows_of(poses, 3 * looks(poses))[0]
    window.images[2] = 77
    assert window.descriptors is not None
    window.descriptors[3, 0] = np.inf
    found = DinoExtractor().extract(window)
    assert np.isnan(found[[2, 3]]).all()
    rest = np.delete(np.arange(len(found)), [2, 3])
    np.testing.assert_allclose(np.linalg.norm(found[rest], axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(DinoExtractor().extract(window, np.array([5])), found[5:6])


def test_dino_without_descriptors_is_refused_in_a_sentence() -> None:
    with pytest.raises(LoopsError, match=r"gives no descriptors: set loops\.descriptor"):
        DinoExtractor().extract(windows_of(ring(240, 0.5, 0.1))[0])


def test_auto_takes_what_costs_no_download(tmp_path: Path) -> None:
    assert isinstance(chosen(LoopsSettings(), True, tmp_path), DinoExtractor)
    assert isinstance(chosen(LoopsSettings(), False, tmp_path), VladExtractor)
    assert isinstance(chosen(LoopsSettings(descriptor="vlad"), True, tmp_path), VladExtractor)
    assert chosen(LoopsSettings(descriptor="off"), True, tmp_path) is None


def chosen(settings: LoopsSettings, dino: bool, folder: Path) -> DescriptorExtractor | None:
    make = choose_extractor(settings, dino)
    return None if make is None else make(folder)


def test_salad_without_its_checkpoint_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LoopsError, match=r"needs the checkpoint dino_salad\.ckpt .*loops\.salad is None: give"):
        choose_extractor(LoopsSettings(descriptor="salad"), False)
