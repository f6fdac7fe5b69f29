"""Opaque overlays as cameras and players burn them in: what goes with the camera, drawn over the frames of a clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Overlay:
    """An image [H,W,3] that lies over frames where `alpha` [H,W] (0 to 1) says so, from a frame on.

    `flicker` is the standard deviation in gray levels of its brightness from frame to frame (a slow drift), and
    `reflection` the share of the mirrored, blurred scene in it.
    """

    image: Float32
    alpha: Float32
    begins: int = 0
    flicker: float = 0.0
    reflection: float = 0.0

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Where more than half of the image is the overlay's [H,W]."""
        return self.alpha > 0.5

    def over(self, frames: Sequence[UInt8], seed: int = 0) -> list[UInt8]:
        """The frames [H,W,3] under the overlay."""
        rng = np.random.default_rng([seed, 7])
        drift = np.cumsum(rng.normal(size=len(frames)))
        drift = self.flicker * np.sin(drift / 4) if self.flicker else np.zeros(len(frames))
        return [self._one(frame, drift[k]) if k >= self.begins else frame for k, frame in enumerate(frames)]

    def _one(self, frame: UInt8, drift: float) -> UInt8:
        paint = self.image + np.float32(drift)
        if self.reflection:
            mirrored = cv2.GaussianBlur(frame[::-1].astype(np.float32), (0, 0), frame.shape[0] / 40)
            paint = paint + self.reflection * (mirrored - mirrored.mean())
        alpha = self.alpha[..., None]
        return np.clip(alpha * paint + (1 - alpha) * frame, 0, 255).astype(np.uint8)


Draw = Callable[[tuple[int, int], np.random.Generator], Overlay]


def bonnet(strength: float, reflection: float) -> Draw:
    """The own car's bonnet: its paint textured by `strength` gray levels."""

    def draw(size: tuple[int, int], rng: np.random.Generator) -> Overlay:
        width, height = size
        x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(0, 1, height))
        alpha = (y > 0.8 + 0.08 * x**2).astype(np.float32)
        shade = 70 + 60 * (1 - y) / 0.2 + 12 * np.cos(9 * x)
        image = shade + strength * _grain(size, rng, 3)
        return Overlay(_gray(image), alpha, flicker=2.0 if reflection else 0.0, reflection=reflection)

    return draw


def dashboard(size: tuple[int, int], rng: np.random.Generator) -> Overlay:
    """A dark dashboard with a binnacle and vents, seen from the driver's seat."""
    width, height = size
    image, alpha = _blank(size, 35), np.zeros((height, width), np.float32)
    outline = np.array(
        [[0, 0.78], [0.12, 0.72], [0.3, 0.66], [0.45, 0.72], [0.8, 0.74], [1, 0.8], [1, 1.01], [0, 1.01]]
    )
    cv2.fillPoly(alpha, [_points(outline, size)], 1.0)
    for centre in (0.22, 0.36):
        cv2.circle(
            image, (int(centre * width), int(0.85 * height)), height // 12, (150, 150, 150), max(1, height // 120)
        )
    for k in range(5):
        row = int((0.82 + 0.03 * k) * height)
        cv2.line(image, (int(0.6 * width), row), (int(0.78 * width), row), (80, 80, 85), max(1, height // 120))
    return Overlay(image + 3 * _grain(size, rng, 2)[..., None], alpha, reflection=0.04)


def pillar(size: tuple[int, int], rng: np.random.Generator) -> Overlay:
    """An A-pillar, slanted at the left, with the seam of its trim."""
    width, height = size
    alpha, image = np.zeros((height, width), np.float32), _blank(size, 60)
    outline = np.array([[-0.01, -0.01], [0.06, -0.01], [0.2, 1.01], [-0.01, 1.01]])
    cv2.fillPoly(alpha, [_points(outline, size)], 1.0)
    cv2.line(image, (int(0.02 * width), 0), (int(0.15 * width), height), (95, 90, 88), max(1, height // 100))
    return Overlay(image + 2 * _grain(size, rng, 3)[..., None], alpha, flicker=1.5)


def handlebar(size: tuple[int, int], rng: np.random.Generator) -> Overlay:
    """A bicycle's handlebar with grips, stem and a device on it."""
    width, height = size
    alpha, image = np.zeros((height, width), np.float32), _blank(size, 40)
    thick = height // 16
    bar = _points(np.array([[0.08, 0.93], [0.25, 0.86], [0.5, 0.84], [0.75, 0.86], [0.92, 0.93]]), size)
    cv2.polylines(alpha, [bar], False, 1.0, thick)
    cv2.rectangle(alpha, (int(0.46 * width), int(0.84 * height)), (int(0.54 * width), height), 1.0, -1)
    cv2.polylines(image, [bar], False, (140, 140, 145), max(1, thick // 4))
    cv2.rectangle(alpha, (int(0.44 * width), int(0.72 * height)), (int(0.56 * width), int(0.85 * height)), 1.0, -1)
    cv2.rectangle(
        image, (int(0.45 * width), int(0.74 * height)), (int(0.55 * width), int(0.83 * height)), (180, 190, 180), -1
    )
    return Overlay(image + 4 * _grain(size, rng, 2)[..., None], alpha)


def drone_legs(size: tuple[int, int], rng: np.random.Generator) -> Overlay:
    """Two legs of a drone that hang into the upper corners."""
    width, height = size
    alpha, image = np.zeros((height, width), np.float32), _blank(size, 25)
    thick = height // 20
    for side in (-1, 1):
        ends = _points(np.array([[0.5 + 0.55 * side, -0.02], [0.5 + 0.36 * side, 0.42]]), size)
        cv2.line(alpha, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 1.0, thick)
        cv2.line(image, tuple(map(int, ends[0])), tuple(map(int, ends[1])), (70, 70, 72), max(1, thick // 3))
    return Overlay(image + 2 * _grain(size, rng, 2)[..., None], alpha)


def timestamp(size: tuple[int, int], rng: np.random.Generator) -> Overlay:
    """A line of burnt-in text with strokes of two pixels at 320x240, white without a ground; its seconds run."""
    width, height = size
    image = _blank(size, 245)
    scale, thick = height / 480, max(2, round(height / 120))
    drawn = np.zeros((height, width), np.uint8)
    for text, at in (("2024-05-17 14:03", (0.03, 0.95)), ("48.137N 011.575E", (0.03, 0.08)), ("62 km/h", (0.72, 0.95))):
        where = (int(at[0] * width), int(at[1] * height))
        cv2.putText(drawn, text, where, cv2.FONT_HERSHEY_SIMPLEX, 1.1 * scale, 1, thick, cv2.LINE_8)
    return Overlay(image, drawn.astype(np.float32))


def logo(size: tuple[int, int], rng: np.random.Generator) -> Overlay:
    """A station's logo, a disk with letters, in the upper right corner; it comes after thirty frames."""
    width, height = size
    alpha, image = np.zeros((height, width), np.float32), _blank(size, 200)
    centre, radius = (int(0.86 * width), int(0.16 * height)), int(0.11 * height)
    cv2.circle(alpha, centre, radius, 1.0, -1)
    cv2.circle(image, centre, radius, (190, 30, 40), -1)
    letters, at = np.zeros((height, width), np.uint8), (centre[0] - radius // 2, centre[1] + radius // 3)
    cv2.putText(letters, "D3", at, cv2.FONT_HERSHEY_DUPLEX, height / 480, 1, max(1, height // 160), cv2.LINE_8)
    image[letters > 0] = 250
    return Overlay(image, alpha, begins=30)


def game_display(size: tuple[int, int], rng: np.random.Generator) -> Overlay:
    """A game's display: a map, bars, a cross-hair and figures."""
    width, height = size
    alpha, image = np.zeros((height, width), np.float32), _blank(size, 230)
    corner, side = (int(0.03 * width), int(0.66 * height)), int(0.28 * height)
    end = (corner[0] + side, corner[1] + side)
    cv2.rectangle(alpha, corner, end, 1.0, -1)
    image[corner[1] : end[1], corner[0] : end[0]] = (60 + 50 * _grain((side, side), rng, 4))[..., None]
    cv2.rectangle(image, corner, end, (240, 220, 90), max(1, height // 120))
    for k, colour in enumerate(((210, 40, 40), (40, 120, 220))):
        top, left = int((0.05 + 0.06 * k) * height), int(0.04 * width)
        cv2.rectangle(alpha, (left, top), (left + width // 4, top + height // 30), 1.0, -1)
        cv2.rectangle(image, (left, top), (left + width // 4, top + height // 30), (20, 20, 20), -1)
        cv2.rectangle(image, (left, top), (left + width // (5 + k), top + height // 30), colour, -1)
    figures, at = np.zeros((height, width), np.uint8), (int(0.74 * width), int(0.94 * height))
    cv2.putText(figures, "27/90", at, cv2.FONT_HERSHEY_SIMPLEX, height / 300, 1, max(2, height // 100))
    alpha[figures > 0] = 1.0
    middle, arm = (width // 2, height // 2), height // 24
    cv2.line(alpha, (middle[0] - arm, middle[1]), (middle[0] + arm, middle[1]), 1.0, max(2, height // 120))
    cv2.line(alpha, (middle[0], middle[1] - arm), (middle[0], middle[1] + arm), 1.0, max(2, height // 120))
    return Overlay(image, alpha)


def letterbox(size: tuple[int, int], rng: np.random.Generator) -> Overlay:
    """Black bars above and below."""
    width, height = size
    alpha, bar = np.zeros((height, width), np.float32), round(0.12 * height)
    alpha[:bar], alpha[-bar:] = 1.0, 1.0
    return Overlay(_blank(size, 16), alpha)


OVERLAYS: dict[str, Draw] = {
    "bonnet, weak": bonnet(3.0, 0.06),
    "bonnet, strong": bonnet(25.0, 0.0),
    "dashboard": dashboard,
    "pillar": pillar,
    "handlebar": handlebar,
    "drone legs": drone_legs,
    "timestamp": timestamp,
    "logo, late": logo,
    "game display": game_display,
    "letterbox": letterbox,
}


def draw_overlay(name: str, size: tuple[int, int], seed: int = 0) -> Overlay:
    """One of `OVERLAYS` for frames of a size (width, height)."""
    return OVERLAYS[name](size, np.random.default_rng([seed, 11]))


def _blank(size: tuple[int, int], level: float) -> Float32:
    return np.full((size[1], size[0], 3), level, np.float32)


def _gray(image: NDArray[np.floating]) -> Float32:
    return np.repeat(image.astype(np.float32)[..., None], 3, axis=2)


def _grain(size: tuple[int, int], rng: np.random.Generator, pixels: int) -> Float32:
    """Smooth noise [H,W] of unit deviation with grains of so many pixels."""
    noise = cv2.GaussianBlur(rng.normal(size=(size[1], size[0])).astype(np.float32), (0, 0), pixels / 2)
    return (noise / noise.std()).astype(np.float32)


def _points(shares: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.int32]:
    return np.round(shares * size).astype(np.int32)
