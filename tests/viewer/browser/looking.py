"""What a visitor does and sees: looks at a place of the world, reads a pixel, clicks on a camera."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.viewer.browser.chromium import Visit

Array = NDArray[np.float64]

INTO_THE_WALL = [1.0, 0.0, 0.0]  # of the known street, on the right


CORNER = """() => {
    const { left, top } = document.querySelector("canvas").getBoundingClientRect();
    return [left, top];
}"""


def settle(visit: Visit) -> None:
    """Until all that the view wants has come and is drawn."""
    visit.wait("v.counters.settled")
    visit.call("await v.drawn();")


def look_at(visit: Visit, place: Array, distance: float, direction: list[float] | None = None) -> None:
    words = "v.lookAt(a.place, a.distance, a.direction); await v.drawn();"
    visit.call(words, {"place": place.tolist(), "distance": distance, "direction": direction})
    settle(visit)


def in_view(visit: Visit, place: Array) -> tuple[float, float]:
    """CSS pixels in the view."""
    found = visit.call("return v.project(a);", place.tolist())
    assert found["inFront"]
    return found["x"], found["y"]


def on_screen(visit: Visit, place: Array) -> tuple[float, float]:
    """CSS pixels in the window."""
    x, y = in_view(visit, place)
    corner = visit.page.evaluate(CORNER)
    return x + corner[0], y + corner[1]


def picture(visit: Visit) -> NDArray[np.uint8]:
    """The screen [H,W,3]."""
    return np.array(Image.open(BytesIO(visit.page.screenshot())).convert("RGB"))


def colour_at(visit: Visit, place: Array) -> NDArray[np.int64]:
    """Of the screen where a place of the world is."""
    x, y = on_screen(visit, place)
    return picture(visit)[int(y), int(x)].astype(np.int64)


def picked(visit: Visit, place: Array) -> Array:
    """The position [3] of the point that is picked where a place of the world is on the screen."""
    x, y = in_view(visit, place)
    found = visit.call("return v.pick(a[0], a[1]);", [x, y])
    assert found is not None, "there is no point"
    return np.array(list(found["position"]) if isinstance(found["position"], list) else [*found["position"].values()])


def click_camera(visit: Visit, row: int) -> None:
    """Click (or tap) on the frustum of a frame, from a metre away."""
    centre = np.array(visit.call("return [...v.frame(a).centre];", row))
    look_at(visit, centre, 1.0, [0.1, 0.2, 1.0])
    x, y = on_screen(visit, centre)
    if visit.page.evaluate("navigator.maxTouchPoints"):
        visit.page.touchscreen.tap(x, y)
    else:
        visit.page.mouse.click(x, y)
    visit.wait(f"v.selected === {row}")


SHOWN = """() => {
    const shown = [...document.images].filter((image) => image.complete && image.naturalWidth > 16
        && image.getBoundingClientRect().width > 16);
    if (!shown.length) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [24, 16];
    const context = canvas.getContext("2d");
    context.drawImage(shown[0], 0, 0, 24, 16);
    return [...context.getImageData(0, 0, 24, 16).data];
}"""


def shown_picture(visit: Visit) -> NDArray[np.float64]:
    """The picture [16,24,3] that the page shows beside the view, made small."""
    data = visit.page.wait_for_function(SHOWN).json_value()
    return np.array(data, float).reshape(16, 24, 4)[..., :3]


CAPTURE = """
const blob = await v.capture();
return await new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(blob);
});"""


def captured(visit: Visit) -> NDArray[np.uint8]:
    """The view [H,W,3] without what lies over it."""
    data = b64decode(visit.call(CAPTURE).partition(",")[2])
    return np.array(Image.open(BytesIO(data)).convert("RGB"))
