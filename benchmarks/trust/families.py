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
    first: int = 2  # the step at which its ladders are begun, upwards, or down where it is wrong already

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


def jump(alike: float, seed: int) -> Sequence:
    """A street in which the camera leaps on by 12 frames, to houses that look like those of 6 frames before; 0: it
    drives on.

    Houses come again every 18 frames: a leap by that many, to where the drive would go on in looks, nobody could tell.
    """
    street = scenes.alike_street(alike, seed)
    return street.take([*range(24), *range(36, 52)]) if alike else street


_STREETS = ("town", "kitti07")
_DRIVES = ("town", "kitti07", "kitti00")
_OVERLAID = {
    "bonnet": ("town", "kitti06"),
    "dashboard": ("kitti07", "town"),
    "pillars": ("town", "kitti07"),
    "handlebars": ("town", "kitti06"),
    "visor": ("kitti00", "room"),
    "legs": ("drone", "drone"),
    "text": ("kitti07", "hololens"),
    "display": ("town", "drone"),
}
_SHARES = (0.18, 0.32, 0.48, 0.66, 0.8)


def _overlays() -> list[Variant]:
    return [
        Variant("overlay", kind, _SHARES, 4, partial(_overlay, kind=kind), _OVERLAID[kind], first=3)
        for kind in OVERLAYS
    ]


def _overlay(sequence: Sequence, share: float, rng: np.random.Generator, kind: str) -> Sequence:
    return overlay(sequence, kind, share, rng)


VARIANTS: tuple[Variant, ...] = (
    *_overlays(),
    Variant("movers", "rectangle", (0.06, 0.15, 0.3, 0.5, 0.75), 6, rectangle, _STREETS, first=1),
    Variant("movers", "lorry", (0.3, 0.5, 0.7, 0.85, 1.0), 4, lorry, ("town", "kitti07"), frames=44, first=4),
    Variant("movers", "crowd", (0.06, 0.15, 0.3, 0.5, 0.75), 6, crowd, ("town", "room"), first=1),
    Variant("turns", "pan", (0.5, 2.0, 5.0, 9.0, 14.0), 4, scene=pan, first=3),
    Variant("turns", "look_round", (8, 25, 60, 90, 130), 4, scene=look_round, given=False, first=3),
    Variant("turns", "in_a_drive", (10, 20, 35, 60, 90), 4, scene=scenes.look_round_in_a_drive, clean=0.0),
    Variant("repetition", "corridor", (0.6, 0.8, 0.9, 0.96, 1.0), 4, scene=corridor, clean=0.0, first=4),
    Variant("repetition", "railing", (0.5, 0.9, 1.3, 1.8, 2.5), 4, scene=railing, clean=0.0, first=4),
    Variant(
        "lookalike",
        "street",
        (0.5, 0.75, 0.9, 0.97, 1.0),
        4,
        scene=scenes.alike_street,
        clean=0.0,
        windows=ALL,
        first=4,
    ),
    Variant("lookalike", "jump", (0.3, 0.5, 0.65, 0.8, 0.9), 4, scene=jump, clean=0.0, windows=ALL, first=0),
    Variant("zoom", "slow", (1.02, 1.05, 1.12, 1.3, 1.6), 8, zoom, _DRIVES, given=False, first=1),
    Variant("zoom", "switch", (1.02, 1.06, 1.15, 1.4, 2.0), 6, lens_switch, _DRIVES, given=False, first=1),
    Variant("intrinsics", "focal", (1.03, 1.08, 1.2, 1.5, 2.0), 8, wrong_focal, _DRIVES, windows=NONE),
    Variant(
        "intrinsics", "size", (1.05, 1.15, 1.3, 1.5, 1.9), 6, wrong_size, ("town", "drone", "kitti00"), windows=NONE
    ),
    Variant("blur", "defocus", (1.5, 2.5, 4.0, 6.0, 9.0), 6, defocus, ("town", "kitti07"), windows=NONE, first=3),
    Variant("blur", "motion", (3, 6, 10, 16, 24), 6, motion_blur, ("kitti00", "hololens", "room"), windows=NONE),
    Variant("dark", "dark", (1.5, 2.0, 2.5, 3.0, 3.5), 6, dark, ("town", "hololens", "kitti06"), windows=NONE),
    Variant("low_texture", "fog", (0.7, 0.85, 0.93, 0.97, 0.985), 4, low_texture, _STREETS, windows=NONE, first=4),
    Variant("noise", "noise", (6, 12, 22, 40, 70), 6, noise, ("drone", "hololens", "kitti07"), windows=NONE),
    Variant("cuts", "cut", (2, 5, 9, 14, 22), 4, cut, _STREETS, frames=64, first=4),
    Variant("weak_window", "blur", (2, 4, 6, 9, 14), 4, middle(defocus), _DRIVES, windows=ALL),
    Variant("weak_window", "dark", (3, 4, 5, 6, 7), 2, middle(dark), ("town",), windows=ALL, first=4),
    Variant("weak_window", "mover", (0.1, 0.25, 0.45, 0.7, 0.9), 6, middle(rectangle), _DRIVES, windows=ALL, first=1),
    Variant("joins", "blur", (2, 4, 6, 9, 14), 4, joins(defocus), _STREETS, windows=ALL, first=3),
    Variant("joins", "fog", (0.7, 0.85, 0.93, 0.97, 0.99), 4, joins(low_texture), _STREETS, windows=ALL),
    Variant("joins", "mover", (0.1, 0.25, 0.45, 0.7, 0.9), 4, joins(crowd), ("town", "drone"), windows=ALL, first=4),
    Variant("wipers_drops", "wipers", (0.1, 0.2, 0.35, 0.5, 0.7), 4, wipers, _STREETS, windows=NONE),
    Variant("wipers_drops", "drops", (0.12, 0.25, 0.4, 0.6, 0.8), 4, drops, ("kitti07", "town"), windows=NONE),
    Variant("dropped_frames", "lost", (3, 6, 10, 15, 20), 4, dropped, _STREETS, frames=64),
    Variant("dropped_frames", "stutter", (3, 6, 9, 12, 16), 4, stutter, ("kitti07", "town"), frames=64),
)
WHOLLY_APART = ("wipers_drops", "dropped_frames")


def with_lens(sequence: Sequence, given: bool) -> Sequence:
    """The sequence, and whether the run is given its intrinsics."""
    return replace(sequence, given=given)
