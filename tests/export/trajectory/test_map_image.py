from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from da3_stream.export.trajectory.map_image import MapImage, colour_of, nice_step

LIMITS = np.array([[-10.0, 30.0], [0.0, 20.0]])
RED, GREEN = "#ff0000", "#00ff00"


def blank(limits: np.ndarray = LIMITS) -> MapImage:
    return MapImage.of(np.full((20, 40, 3), 50, np.uint8), limits)


def where(image: MapImage, colour: str) -> np.ndarray:
    """Places [n,2] on the map of the pixels of a colour."""
    y, x = np.nonzero((image.pixels == colour_of(colour)).all(axis=2))
    at = np.stack([x + 0.5 - image.corner[0], y + 0.5 - image.corner[1]], axis=1) / image.scale
    return [image.limits[0, 0], image.limits[1, 1]] + at * [1, -1]


def test_what_is_drawn_lies_where_it_is_on_the_map() -> None:
    image = blank()
    image.dot(np.array([20.0, 15.0]), RED, 6.0)
    image.square(np.array([0.0, 2.0]), GREEN, 6.0)
    np.testing.assert_allclose(where(image, RED).mean(axis=0), [20, 15], atol=0.02)
    np.testing.assert_allclose(where(image, GREEN).mean(axis=0), [0, 2], atol=0.02)


def test_a_line_goes_through_its_places_and_may_leave_the_map() -> None:
    image = blank()
    image.line(np.array([[-5.0, 5.0], [25.0, 5.0], [1e9, 5.0]]), RED, 3)
    drawn = where(image, RED)
    assert drawn[:, 0].min() < -4.9 and drawn[:, 0].max() > 29.9
    np.testing.assert_allclose(drawn[:, 1], 5.0, atol=0.1)


def test_the_raster_s_first_row_is_at_the_bottom() -> None:
    raster = np.full((20, 40, 3), 50, np.uint8)
    raster[0] = colour_of(RED)
    assert where(MapImage.of(raster, LIMITS), RED)[:, 1].max() < 1.1


@pytest.mark.parametrize("limits", [LIMITS, np.array([[0.0, 1e-6], [-5.0, 5.0]]), 1e6 * LIMITS])
def test_title_labels_and_legend_are_on_the_file(limits: np.ndarray) -> None:
    image = blank(limits)
    plain = image.png("", ("", ""), [])
    told = image.png("title", ("right", "ahead"), [(RED, "segment 0")])
    assert told != plain
    assert Image.open(io.BytesIO(told)).size == image.pixels.shape[1::-1]


@pytest.mark.parametrize(("least", "step"), [(0.9, 1), (1.0, 1), (1.1, 2), (3, 5), (6, 10), (0.03, 0.05), (2e7, 2e7)])
def test_steps_are_one_two_or_five_times_a_power_of_ten(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)
