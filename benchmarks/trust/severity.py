"""How much of each trouble a run withstands: of the runs of every step of a ladder, how many are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.tables import Column, Row

from .families import VARIANTS, Variant
from .records import Record

COLUMNS = (
    Column("trouble", "trouble"),
    Column("step", "step"),
    Column("runs", "runs"),
    Column("right", "right"),
    Column("wrong", "wrong"),
    Column("not placed", "lost"),
    Column("ATE %, largest", "worst", "{:.2f}"),
    Column("say OK", "ok"),
)


def severity_rows(records: Sequence[Record]) -> list[Row]:
    """A row for each step that was run of each trouble. Right and wrong are `Facts`' own, by the absolute limits."""
    return [
        row
        for variant in VARIANTS
        for step, severity in enumerate(variant.steps)
        if (row := _row(variant, severity, [r for r in records if _is_of(r, variant, step)]))
    ]


def _is_of(record: Record, variant: Variant, step: int) -> bool:
    job = record.facts.job
    return (job.family, job.variant, job.step) == (variant.family, variant.name, step)


def _row(variant: Variant, severity: float, records: Sequence[Record]) -> Row | None:
    if not records:
        return None
    facts = [record.facts for record in records]
    errors = [f.ate_percent for f in facts if np.isfinite(f.ate_percent)]
    return {
        "trouble": f"{variant.family}.{variant.name}",
        "step": severity,
        "runs": len(facts),
        "right": sum(f.is_good for f in facts),
        "wrong": sum(f.is_wrong(np.nan) for f in facts),
        "lost": sum(bool(f.exit_status) or f.placed < 0.7 for f in facts),
        "worst": max(errors, default=None),
        "ok": sum(f.says_ok for f in facts),
    }
