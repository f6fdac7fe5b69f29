"""The bank: every ladder (a variant, a seed) with its jobs, and which of them are set apart."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .families import FRAMES, VARIANTS, WHOLLY_APART, Variant, clean_sequence, with_lens
from .inputs.sequences import Sequence

WINDOWS = (16, 4)  # frames, shared: three windows in forty frames
CLEAN = "clean"


@dataclass(frozen=True)
class Job:
    """One run of the bank by its names; `step` counts from 0."""

    family: str
    variant: str
    base: str
    seed: int
    windows: bool
    given: bool
    step: int

    @property
    def key(self) -> str:
        """What its record is called."""
        marks = ("w" if self.windows else "o") + ("k" if self.given else "u")
        return f"{self.family}.{self.variant}.{self.base}.{self.seed}.{marks}.{self.step}"

    @property
    def apart(self) -> bool:
        """Whether nobody looks at this run while developing."""
        return self.seed % 2 == 1 or self.family in WHOLLY_APART

    @staticmethod
    def of_key(key: str) -> Job:
        """The job of a record's name."""
        family, variant, base, seed, marks, step = key.split(".")
        return Job(family, variant, base, int(seed), marks[0] == "w", marks[1] == "k", int(step))


@dataclass(frozen=True)
class Ladder:
    """A variant of trouble with one seed: run step after step until one goes wrong."""

    variant: Variant
    seed: int

    @property
    def windows(self) -> bool:
        """Whether its runs have three windows."""
        return self.seed % 4 in self.variant.windows

    @property
    def apart(self) -> bool:
        """Whether it is set apart."""
        return self.job(0).apart

    def job(self, step: int) -> Job:
        """The run of one step."""
        variant = self.variant
        return Job(variant.family, variant.name, variant.base(self.seed), self.seed, self.windows, variant.given, step)

    @property
    def jobs(self) -> list[Job]:
        """The runs of all steps, the mildest first."""
        return [self.job(step) for step in range(len(self.variant.steps))]

    @property
    def clean(self) -> Job | None:
        """The run of the same scene with nothing wrong, if there is such a thing."""
        if not self.variant.bases and self.variant.clean is None:
            return None
        job = self.job(0)
        return Job(
            CLEAN, job.variant if not self.variant.bases else "base", job.base, job.seed, job.windows, job.given, 0
        )


def ladders(*, apart: bool | None = None, family: str = "") -> Iterator[Ladder]:
    """The ladders of a half (None: both), of one family or all; every variant comes once before any comes again."""
    for seed in range(max(variant.seeds for variant in VARIANTS)):
        for ladder in (Ladder(variant, seed) for variant in VARIANTS if seed < variant.seeds):
            if apart in (None, ladder.apart) and family in ("", ladder.variant.family):
                yield ladder


def find_variant(job: Job) -> Variant:
    """The variant of a job, by its names."""
    return next(v for v in VARIANTS if v.name == job.variant and v.family in (job.family, _family_of_clean(job)))


def _family_of_clean(job: Job) -> str:
    return next((v.family for v in VARIANTS if job.family == CLEAN and v.name == job.variant), "")


def sequence_of(job: Job, cache: Path) -> Sequence:
    """What the camera of a job saw, and where it was: the same on every call."""
    if job.family == CLEAN and job.variant == "base":
        return with_lens(clean_sequence(job.base, job.seed, cache).take(np.arange(FRAMES)), job.given)
    variant = find_variant(job)
    severity = variant.clean if job.family == CLEAN else variant.steps[job.step]
    assert severity is not None
    if variant.scene is not None:
        made = variant.scene(severity, job.seed)
        return with_lens(made.take(np.arange(min(FRAMES, len(made)))), job.given)
    assert variant.edit is not None
    base = clean_sequence(job.base, job.seed, cache).take(np.arange(variant.frames))
    return with_lens(variant.edit(base, severity, generator(job)), job.given)


def generator(job: Job) -> np.random.Generator:
    """Random numbers that are a ladder's own: its steps differ by their severity alone."""
    return np.random.default_rng([job.seed, zlib.crc32(f"{job.family}.{job.variant}".encode())])
