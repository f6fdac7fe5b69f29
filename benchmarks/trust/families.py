"""The families of the bank: what goes wrong, in five fixed steps of severity each, and on which scenes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from .inputs import degradations, edits, movers, scenes
from .inputs.clips import CLIPS, real
from .inputs.overlays import OVERLAYS, overlay
from .inputs.sequences import Sequence

FRAMES = 40
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
    `windows` says whether every run has three windows or every other one; `given` whether runs are given intrinsics.
    """

    family: str
    name: str
    steps: tuple[float, float, float, float, float]
    seeds: int
    edit: Edit | None = None
    bases: tuple[str, ...] = ()
    scene: Make | None = None
    clean: float | None = None
    windows: bool = False
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


def in_the_middle(edit: Edit) -> Edit:
    """The edit in the frames of the middle window alone."""

    def spoil(sequence: Sequence, severity: float, rng: np.random.Generator) -> Sequence:
        return degradations.only_in(sequence, edit(sequence, severity, rng), [MIDDLE])

    return spoil


def at_the_joins(edit: Edit) -> Edit:
    """The edit in the frames alone that windows share."""

    def spoil(sequence: Sequence, severity: float, rng: np.random.Generator) -> Sequence:
        return degradations.only_in(sequence, edit(sequence, severity, rng), JOINS)

    return spoil


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


def backwards(sequence: Sequence, rows: float, rng: np.random.Generator) -> Sequence:
    """A jump back in the middle by so many rows, and the way from there once more."""
    n, back = len(sequence), int(rows)
    return sequence.take([*range(n // 2), *range(n // 2 - back, n - back)])


_DRIVES = ("town", "kitti00", "kitti07")
_OVERLAID = {
    "bonnet": ("town", "kitti00"),
    "dashboard": ("kitti07", "town"),
    "pillars": ("town", "kitti00"),
    "handlebars": ("town", "kitti06"),
    "visor": ("kitti00", "room"),
    "legs": ("drone", "drone"),
    "text": ("kitti07", "room"),
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
    Variant("movers", "rectangle", (0.06, 0.15, 0.3, 0.5, 0.75), 4, movers.rectangle, ("town", "kitti00")),
    Variant("movers", "lorry", (0.3, 0.5, 0.7, 0.85, 1.0), 4, movers.lorry, ("town", "kitti07"), frames=44),
    Variant("movers", "crowd", (0.06, 0.15, 0.3, 0.5, 0.75), 4, movers.crowd, ("town", "room")),
    Variant("turns", "pan", (0.5, 1.0, 2.0, 3.5, 5.0), 4, scene=pan),
    Variant("turns", "look_round", (8, 15, 25, 40, 60), 4, scene=look_round, given=False),
    Variant("turns", "in_a_drive", (10, 20, 35, 60, 90), 4, scene=scenes.look_round_in_a_drive, clean=0.0),
    Variant("repetition", "corridor", (0.6, 0.8, 0.9, 0.96, 1.0), 6, scene=corridor, clean=0.0),
    Variant("repetition", "railing", (0.5, 0.9, 1.3, 1.8, 2.5), 4, scene=railing, clean=0.0),
    Variant("lookalike", "street", (0.5, 0.75, 0.9, 0.97, 1.0), 4, scene=scenes.alike_street, clean=0.0, windows=True),
    Variant("lookalike", "again", (4, 7, 10, 13, 16), 4, backwards, ("town", "drone"), windows=True),
    Variant("zoom", "slow", (1.02, 1.05, 1.12, 1.3, 1.6), 6, edits.zoom, _DRIVES, given=False),
    Variant("zoom", "switch", (1.02, 1.06, 1.15, 1.4, 2.0), 6, edits.lens_switch, _DRIVES, given=False),
    Variant("intrinsics", "focal", (1.03, 1.08, 1.2, 1.5, 2.0), 6, edits.wrong_focal, _DRIVES),
    Variant("intrinsics", "size", (1.05, 1.15, 1.3, 1.5, 1.9), 6, edits.wrong_size, ("town", "drone", "kitti00")),
    Variant("blur", "defocus", (0.8, 1.5, 2.5, 4.0, 6.0), 4, degradations.defocus, ("town", "kitti07")),
    Variant("blur", "motion", (3, 6, 10, 16, 24), 4, degradations.motion_blur, ("kitti00", "room")),
    Variant("dark", "dark", (2, 3, 4, 5, 6), 4, degradations.dark, ("town", "room")),
    Variant("low_texture", "fog", (0.5, 0.7, 0.85, 0.93, 0.97), 4, degradations.low_texture, ("town", "kitti00")),
    Variant("noise", "noise", (6, 12, 22, 35, 55), 4, degradations.noise, ("drone", "kitti07")),
    Variant("cuts", "cut", (2, 5, 9, 14, 22), 6, edits.cut, _DRIVES, frames=64),
    Variant("weak_window", "blur", (2, 4, 6, 9, 14), 4, in_the_middle(degradations.defocus), _DRIVES, windows=True),
    Variant("weak_window", "dark", (3, 4, 5, 6, 7), 2, in_the_middle(degradations.dark), ("town",), windows=True),
    Variant(
        "weak_window", "mover", (0.1, 0.25, 0.45, 0.7, 0.9), 4, in_the_middle(movers.rectangle), _DRIVES, windows=True
    ),
    Variant(
        "joins", "blur", (2, 4, 6, 9, 14), 4, at_the_joins(degradations.defocus), ("town", "kitti00"), windows=True
    ),
    Variant(
        "joins", "fog", (0.7, 0.85, 0.93, 0.97, 0.99), 2, at_the_joins(degradations.low_texture), _DRIVES, windows=True
    ),
    Variant(
        "joins", "mover", (0.1, 0.25, 0.45, 0.7, 0.9), 4, at_the_joins(movers.crowd), ("town", "drone"), windows=True
    ),
    Variant("wipers_drops", "wipers", (0.05, 0.1, 0.2, 0.35, 0.5), 4, degradations.wipers, ("town", "kitti00")),
    Variant("wipers_drops", "drops", (0.05, 0.12, 0.25, 0.4, 0.6), 4, degradations.drops, ("kitti07", "town")),
    Variant("dropped_frames", "lost", (1, 3, 6, 10, 15), 4, edits.dropped, ("town", "kitti00"), frames=64),
    Variant("dropped_frames", "stutter", (1, 3, 6, 9, 12), 4, edits.stutter, ("kitti07", "town"), frames=64),
)
WHOLLY_APART = ("wipers_drops", "dropped_frames")


def with_lens(sequence: Sequence, given: bool) -> Sequence:
    """The sequence, and whether the run is given its intrinsics."""
    return replace(sequence, given=given)
