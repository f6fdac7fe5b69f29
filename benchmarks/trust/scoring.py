"""What the bank says of a version: wrong runs that say OK, doubt where poses are wrong, needless doubt, honesty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import Column, Row

from .bank import CLEAN
from .records import Record, clean_percents
from .statistics import Bin, Share, calibration_error, reliability, roc_area

DOUBTED = 0.5


@dataclass(frozen=True)
class Runs:
    """The runs of one version that count: the lowest wrong one of every ladder, and all good ones."""

    wrong: tuple[Record, ...]
    good: tuple[Record, ...]
    all: tuple[Record, ...]

    @property
    def silent(self) -> Share:
        """Wrong runs that say OK."""
        return Share(sum(r.facts.says_ok for r in self.wrong), len(self.wrong))

    @property
    def doubted(self) -> Share:
        """Poses of wrong runs that are not right, and those of them with confidence below one half."""
        poses = [r.confidence[r.scored & ~r.right] for r in self.wrong]
        confidence = np.concatenate([np.zeros(0), *poses])
        return Share(int((confidence < DOUBTED).sum()), int(np.isfinite(confidence).sum()))

    @property
    def alarmed(self) -> Share:
        """Good runs that do not say OK."""
        return Share(sum(not r.facts.says_ok for r in self.good), len(self.good))

    def poses(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Confidence and rightness of all scored poses with a confidence."""
        known = [r.scored & np.isfinite(r.confidence) for r in self.all]
        pairs = list(zip(self.all, known, strict=True))
        confidence = np.concatenate([np.zeros(0), *(r.confidence[k] for r, k in pairs)])
        return confidence.astype(np.float64), np.concatenate([np.zeros(0, bool), *(r.right[k] for r, k in pairs)])


def counted(records: Iterable[Record], cleans: Iterable[Record] = ()) -> Runs:
    """The runs that count among records; clean runs of the same scenes are among them, or given beside them."""
    records = list(records)
    percents = clean_percents([*cleans, *records])
    rungs: defaultdict[tuple, list[Record]] = defaultdict(list)
    for record in records:
        job = record.facts.job
        if job.family != CLEAN:
            rungs[job.family, job.variant, job.seed].append(record)
    wrong = [first for ladder in rungs.values() if (first := _lowest_wrong(ladder, percents)) is not None]
    return Runs(tuple(wrong), tuple(r for r in records if r.facts.is_good), tuple(records))


def _lowest_wrong(ladder: list[Record], percents: dict[str, float]) -> Record | None:
    for record in sorted(ladder, key=lambda r: r.facts.job.step):
        if record.facts.is_wrong(percents.get(clean_key(record), np.nan)):
            return record
    return None


def clean_key(record: Record) -> str:
    """The key of the clean run that a run is compared with."""
    from .bank import Ladder, find_variant

    job = record.facts.job
    clean = Ladder(find_variant(job), job.seed).clean
    return clean.key if clean else ""


SUMMARY = [Column("", "what"), Column("k of n (95 %)", "share"), Column("goal", "goal")]
FAMILIES = [
    Column("family", "family"),
    Column("runs", "runs"),
    Column("ladders wrong", "wrong"),
    Column("of them say OK", "silent"),
    Column("poses not right, doubted", "doubted"),
    Column("good runs", "good"),
    Column("of them do not say OK", "alarmed"),
]


def summary_rows(runs: Runs, beside: Runs | None = None) -> list[Row]:
    """The figures of a version, and those of another one beside them."""
    confidence, right = runs.poses()
    error, area = calibration_error(reliability(confidence, right)), roc_area(confidence, right)
    rows: list[Row] = [
        {"what": "runs", "share": str(len(runs.all)), "goal": "300"},
        {"what": "wrong runs that say OK", "share": str(runs.silent), "goal": "2 of 100, none set apart"},
        {"what": "poses not right in wrong runs, doubted", "share": str(runs.doubted), "goal": "90 %"},
        {"what": "good runs that do not say OK", "share": str(runs.alarmed), "goal": "below 5 %"},
        {"what": f"ROC area of confidence, {len(right)} poses", "share": f"{area:.3f}", "goal": "0.9"},
        {"what": "expected calibration error", "share": f"{error:.3f}", "goal": "below 0.05"},
    ]
    if beside is not None:
        rows.append({"what": "the other version: wrong runs that say OK", "share": str(beside.silent)})
        rows.append({"what": "the other version: good runs that do not say OK", "share": str(beside.alarmed)})
    return rows


def family_rows(runs: Runs) -> list[Row]:
    """The figures by family and variant."""
    names = sorted({(r.facts.job.family, r.facts.job.variant) for r in runs.all})
    return [
        _family_row(".".join(name), *(_of(part, name) for part in (runs.all, runs.wrong, runs.good))) for name in names
    ]


def _of(records: Sequence[Record], name: tuple[str, str]) -> tuple[Record, ...]:
    return tuple(r for r in records if (r.facts.job.family, r.facts.job.variant) == name)


def _family_row(name: str, everything: tuple[Record, ...], wrong: tuple[Record, ...], good: tuple[Record, ...]) -> Row:
    part = Runs(wrong, good, everything)
    ladders = len({r.facts.job.seed for r in everything})
    return {
        "family": name,
        "runs": len(everything),
        "wrong": f"{len(wrong)} of {ladders}",
        "silent": part.silent.k,
        "doubted": f"{part.doubted.k} of {part.doubted.n}",
        "good": len(good),
        "alarmed": part.alarmed.k,
    }


def run_rows(records: Iterable[Record]) -> list[Row]:
    """A row for each run, for who develops."""
    return [
        {
            "run": r.facts.key,
            "ate": r.facts.ate_percent,
            "placed": f"{r.facts.placed:.0%}",
            "right": float(r.right[r.scored].mean()) if r.scored.any() else None,
            "share": r.facts.trust_share,
            "said": "OK" if r.facts.says_ok else ",".join(s["code"] for s in r.facts.stretches) or "not OK",
            "cpu": r.facts.cpu_s,
        }
        for r in records
    ]


RUNS = [
    Column("run", "run"),
    Column("ATE %", "ate", "{:.2f}"),
    Column("placed", "placed"),
    Column("poses right", "right", "{:.0%}"),
    Column("trusted", "share", "{:.2f}"),
    Column("said", "said"),
    Column("CPU s", "cpu", "{:.0f}"),
]
BINS = [Column("promised", "promised", "{:.2f}"), Column("right", "right", "{:.2f}"), Column("poses", "count")]


def bin_rows(bins: list[Bin]) -> list[Row]:
    """The reliability diagram as a table."""
    return [{"promised": b.promised, "right": b.right, "count": b.count} for b in bins]


def draw_reliability(bins: list[Bin], path: Path) -> None:
    """The reliability diagram as a picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7")
    axes.plot([b.promised for b in bins], [b.right for b in bins], "o-")
    for b in bins:
        axes.annotate(str(b.count), (b.promised, b.right), textcoords="offset points", xytext=(5, -10), fontsize=7)
    axes.set(xlabel="confidence", ylabel="share of poses that are right", xlim=(0, 1), ylim=(0, 1))
    figure.savefig(path, dpi=120)
