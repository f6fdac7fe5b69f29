"""The families of the bank: what goes wrong, in five fixed steps of severity each, and on which scenes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from .inputs import scenes
from .inputs.clips import CLIPS, real
from .inputs.degradations import dark, defocus, drops, low_texture, motion_blur, noise, only_in, wipers
from .inputs.edits import cut, dropped, lens_switch, stutter, wrong_focal, wrong_size, zoom
from .inputs.movers import crowd, lorry, rectangle
from .inputs.overlays import OVERLAYS, overlay
from .inputs.sequences import Sequence

FRAMES = 40
ALL, SOME, NONE = (0, 1, 2, 3), (2, 3), ()
Edit = Callable[[Sequence, float, np.random.Generator], Sequence]
Make = Callable[[float, int], Sequence]
JOURNEYS = {"town": "block", "drone": "drone", "room": "handheld"}
MIDDLE = (17, 25)  # rows that only the middle one of three windows owns
JOINS = ((11, 16), (23, 28))  # rows around the two overlaps


@dataclass(frozen=True)
class Variant:
    """One kind of trouble: its five steps, and what makes a sequence of a step.

    An `edit` spoils a clean sequence of `bases`; without bases `scene` makes the sequence from severity and seed, and
    `clean` is the severity at which nothing is wrong (None: there is no such thing).
    Runs have three windows where the seed modulo 4 is in `windows`; `given` says whether they are given intrinsics.
    """

    family: str
    name: str
    steps: tuple[float, float, float, float, float]
    seeds: int
    edit: Edit | None = None
    bases: tuple[str, ...] = ()
    scene: Make | None = None
    clean: float | None = None
    windows: tuple[int, ...] = SOME
    given: bool = True
    frames: int = FRAMES  # of the clean sequence that are spoilt

    def base(self, seed: int) -> str:
        """The clean sequence that a seed spoils; seeds of both halves meet the same ones."""
        return self.bases[seed // 2 % len(self.bases)] if self.bases else self.name


def clean_sequence(base: str, seed: int, cache: Path) -> Sequence:
    """A clean sequence by its name, rendered once."""
    path = cache / f"{base}.{seed}.npz"
    if not path.exists():
        made = real(base, seed) if base in CLIPS else scenes.journey(JOURNEYS[base], seed)
        made.save(path)
    return Sequence.load(path)


def only_rows(
    sequence: Sequence, severity: float, rng: np.random.Generator, edit: Edit, rows: tuple[tuple[int, int], ...]
) -> Sequence:
    """The edit in some of the frames alone."""
    return only_in(sequence, edit(sequence, severity, rng), rows)


def middle(edit: Edit) -> Edit:
    """The edit in the frames of the middle window alone."""
    return partial(only_rows, edit=edit, rows=(MIDDLE,))


def joins(edit: Edit) -> Edit:
    """The edit in the frames alone that windows share."""
    return partial(only_rows, edit=edit, rows=JOINS)


def pan(deg_per_frame: float, seed: int) -> Sequence:
    """A camera on a tripod that turns to one side at a steady rate."""
    return scenes.turning(deg_per_frame * np.arange(FRAMES), np.zeros(FRAMES), seed)


def look_round(amplitude_deg: float, seed: int) -> Sequence:
    """A camera that looks to and fro, up and down, from one place."""
    t = 2 * np.pi * np.arange(FRAMES) / FRAMES
    return scenes.turning(amplitude_deg * np.sin(t), amplitude_deg / 3 * np.sin(2 * t + seed), seed)


def corridor(alike: float, seed: int) -> Sequence:
    """A corridor whose panels, and the pace along it, are the seed's."""
    rng = np.random.default_rng([seed, 22])
    return scenes.corridor(alike, float(rng.uniform(1.2, 2.4)), float(rng.uniform(0.2, 0.35)), seed)


def railing(height_m: float, seed: int) -> Sequence:
    """A railing beside the drive, its spacing the seed's; height 0 is none."""
    spacing = float(np.random.default_rng([seed, 23]).uniform(0.4, 0.9))
    return scenes.railing(max(height_m, 0.01), spacing, seed)


def street_with_a_jump(alike: float, seed: int) -> Sequence:
    """A street in which the camera leaps on by 12 frames, to houses that look like those of 6 frames before.

    Houses come again every 18 frames: a leap by that many, to where the drive would go on in looks, nobody could tell.
    """
    return scenes.alike_street(alike, seed).take([*range(24), *range(36, 52)])


_STREETS = ("town", "kitti00")
_DRIVES = ("town", "kitti00", "kitti07")
_OVERLAID = {
    "bonnet": ("town", "kitti00"),
    "dashboard": ("kitti07", "town"),
    "pillars": ("town", "kitti00"),
    "handlebars": ("town", "kitti06"),
    "visor": ("kitti00", "room"),
    "legs": ("drone", "drone"),
    "text": ("kitti07", "hololens"),
    "display": ("town", "drone"),
}
_SHARES = (0.08, 0.18, 0.32, 0.48, 0.66)


def _overlays() -> list[Variant]:
    return [
        Variant("overlay", kind, _SHARES, 4 if k < 4 else 2, partial(_overlay, kind=kind), _OVERLAID[kind])
        for k, kind in enumerate(OVERLAYS)
    ]


def _overlay(sequence: Sequence, share: float, rng: np.random.Generator, kind: str) -> Sequence:
    return overlay(sequence, kind, share, rng)


VARIANTS: tuple[Variant, ...] = (
    *_overlays(),
    Variant("movers", "rectangle", (0.06, 0.15, 0.3, 0.5, 0.75), 4, rectangle, _STREETS),
    Variant("movers", "lorry", (0.3, 0.5, 0.7, 0.85, 1.0), 4, lorry, ("town", "kitti07"), frames=44),
    Variant("movers", "crowd", (0.06, 0.15, 0.3, 0.5, 0.75), 4, crowd, ("town", "room")),
    Variant("turns", "pan", (0.5, 1.0, 2.0, 3.5, 5.0), 4, scene=pan),
    Variant("turns", "look_round", (8, 15, 25, 40, 60), 4, scene=look_round, given=False),
    Variant("turns", "in_a_drive", (10, 20, 35, 60, 90), 4, scene=scenes.look_round_in_a_drive, clean=0.0),
    Variant("repetition", "corridor", (0.6, 0.8, 0.9, 0.96, 1.0), 4, scene=corridor, clean=0.0),
    Variant("repetition", "railing", (0.5, 0.9, 1.3, 1.8, 2.5), 4, scene=railing, clean=0.0),
    Variant("lookalike", "street", (0.5, 0.75, 0.9, 0.97, 1.0), 4, scene=scenes.alike_street, clean=0.0, windows=ALL),
    Variant("lookalike", "jump", (0.3, 0.5, 0.65, 0.8, 0.9), 4, scene=street_with_a_jump, clean=0.0, windows=ALL),
    Variant("zoom", "slow", (1.02, 1.05, 1.12, 1.3, 1.6), 6, zoom, _DRIVES, given=False),
    Variant("zoom", "switch", (1.02, 1.06, 1.15, 1.4, 2.0), 4, lens_switch, _DRIVES, given=False),
    Variant("intrinsics", "focal", (1.03, 1.08, 1.2, 1.5, 2.0), 6, wrong_focal, _DRIVES, windows=NONE),
    Variant(
        "intrinsics", "size", (1.05, 1.15, 1.3, 1.5, 1.9), 4, wrong_size, ("town", "drone", "kitti00"), windows=NONE
    ),
    Variant("blur", "defocus", (0.8, 1.5, 2.5, 4.0, 6.0), 4, defocus, ("town", "kitti07"), windows=NONE),
    Variant("blur", "motion", (3, 6, 10, 16, 24), 4, motion_blur, ("kitti00", "room"), windows=NONE),
    Variant("dark", "dark", (2, 3, 4, 5, 6), 4, dark, ("town", "hololens"), windows=NONE),
    Variant("low_texture", "fog", (0.5, 0.7, 0.85, 0.93, 0.97), 4, low_texture, _STREETS, windows=NONE),
    Variant("noise", "noise", (6, 12, 22, 35, 55), 4, noise, ("drone", "hololens"), windows=NONE),
    Variant("cuts", "cut", (2, 5, 9, 14, 22), 4, cut, _DRIVES, frames=64),
    Variant("weak_window", "blur", (2, 4, 6, 9, 14), 4, middle(defocus), _DRIVES, windows=ALL),
    Variant("weak_window", "dark", (3, 4, 5, 6, 7), 2, middle(dark), ("town",), windows=ALL),
    Variant("weak_window", "mover", (0.1, 0.25, 0.45, 0.7, 0.9), 4, middle(rectangle), _DRIVES, windows=ALL),
    Variant("joins", "blur", (2, 4, 6, 9, 14), 4, joins(defocus), _STREETS, windows=ALL),
    Variant("joins", "fog", (0.7, 0.85, 0.93, 0.97, 0.99), 2, joins(low_texture), _DRIVES, windows=ALL),
    Variant("joins", "mover", (0.1, 0.25, 0.45, 0.7, 0.9), 4, joins(crowd), ("town", "drone"), windows=ALL),
    Variant("wipers_drops", "wipers", (0.05, 0.1, 0.2, 0.35, 0.5), 4, wipers, _STREETS, windows=NONE),
    Variant("wipers_drops", "drops", (0.05, 0.12, 0.25, 0.4, 0.6), 4, drops, ("kitti07", "town"), windows=NONE),
    Variant("dropped_frames", "lost", (1, 3, 6, 10, 15), 4, dropped, _STREETS, frames=64),
    Variant("dropped_frames", "stutter", (1, 3, 6, 9, 12), 4, stutter, ("kitti07", "town"), frames=64),
)
WHOLLY_APART = ("wipers_drops", "dropped_frames")


def with_lens(sequence: Sequence, given: bool) -> Sequence:
    """The sequence, and whether the run is given its intrinsics."""
    return replace(sequence, given=given)
