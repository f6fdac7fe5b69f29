"""The tables: a row for each case, the medians over its starts by two builds, and their ratios."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.tables import Column, Row, Table

from .cases import Case
from .records import RecordFolder

LEAST_ATE = 0.02  # in % of the path: errors below count as this
THRESHOLDS = (1, 2, 5)  # of the F-scores, in % of the median depth, as `da3_stream eval` has them


@dataclass(frozen=True)
class Pair:
    """Two builds by their names, the one that is compared with and the one that is judged."""

    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.second} beside {self.first}"


def _both(pair: Pair, title: str, key: str, format: str = "{}") -> tuple[Column, Column]:
    """A figure of both builds, side by side."""
    return Column(f"{title}, {pair.first}", f"{key}_first", format), Column(pair.second, f"{key}_second", format)


def speed_columns(pair: Pair) -> list[Column]:
    """CPU seconds (also over those of a probe beside the run), seconds by the wall clock, memory."""
    return [
        Column("clip", "clip"),
        Column("starts", "starts"),
        Column("frames", "frames", "{:.0f}"),
        Column("key frames", "keyframes", "{:.0f}"),
        *_both(pair, "CPU s", "cpu_s", "{:.1f}"),
        Column("ratio", "cpu_ratio", "{:.2f}"),
        Column("at equal pace", "paced_ratio", "{:.2f}"),
        *_both(pair, "probe ms", "probe_ms", "{:.1f}"),
        Column("s/frame", "cpu_s_per_frame", "{:.3f}"),
        Column("in predictor", "predictor_s", "{:.1f}"),
        Column("outside", "outside_s", "{:.1f}"),
        *_both(pair, "wall s", "wall_s", "{:.1f}"),
        Column("ratio", "wall_ratio", "{:.2f}"),
        *_both(pair, "MiB", "peak_mib", "{:.0f}"),
        Column("share", "memory_ratio", "{:.2f}"),
        Column("counts", "counts_speed"),
    ]


def accuracy_columns(pair: Pair) -> list[Column]:
    """Errors and their scatter over the starts, what was placed, and what the run says of itself."""
    return [
        Column("clip", "clip"),
        *_both(pair, "ATE %", "ate", "{:.3f}"),
        Column("ratio", "ate_ratio", "{:.2f}"),
        *_both(pair, "least to largest", "ate_range"),
        Column("largest/least", "scatter_first", "{:.2f}"),
        *_both(pair, "coverage", "coverage", "{:.3f}"),
        *_both(pair, "segments", "segments"),
        *_both(pair, "trust", "trust", "{:.2f}"),
        *_both(pair, "says OK", "ok"),
        Column("failed", "failed"),
        Column("counts", "counts_accuracy"),
    ]


def depth_columns(pair: Pair) -> list[Column]:
    """Depth and cloud beside the truth."""
    scores = [_both(pair, f"F at {share} %", f"f{share}", "{:.4f}") for share in THRESHOLDS]
    depth = _both(pair, "depth, median error %", "depth", "{:.3f}")
    kept = _both(pair, "kept", "kept", "{:.4f}")
    return [Column("clip", "clip"), *depth, *kept, *(column for both in scores for column in both)]


def compared(case: Case, pair: Pair, records: RecordFolder) -> Row:
    """The row of a case: whatever both builds have at the same starts, or one of them alone."""
    first, second = _at_the_same_starts(case, pair, records)
    row: Row = {"clip": case.name, "starts": len(second or first), "failed": _failures(case, pair, records)}
    row |= {f"counts_{kind}": "yes" if kind in case.subject.counts else "no" for kind in ("speed", "accuracy")}
    row |= _side(first, "first") | _side(second, "second") | _last(second or first)
    row["cpu_ratio"] = _over(row["cpu_s_first"], row["cpu_s_second"])
    row["paced_ratio"] = _over(row["probes_first"], row["probes_second"])
    row["wall_ratio"] = _over(row["wall_s_first"], row["wall_s_second"])
    row["memory_ratio"] = _over(row["peak_mib_second"], row["peak_mib_first"])
    row["ate_ratio"] = _over(_counted(row["ate_second"]), _counted(row["ate_first"]))
    return row


def tables(rows: Sequence[Row], pair: Pair) -> list[Table]:
    """What the rows of two builds are shown as; depth only where there is true depth."""
    deep = [row for row in rows if row["depth_first"] is not None or row["depth_second"] is not None]
    found = [
        Table(f"{pair}: speed", speed_columns(pair), rows),
        Table(f"{pair}: accuracy", accuracy_columns(pair), rows),
    ]
    return [*found, Table(f"{pair}: depth and cloud", depth_columns(pair), deep)] if deep else found


def _at_the_same_starts(case: Case, pair: Pair, records: RecordFolder) -> tuple[list[Row], list[Row]]:
    first, second = records.of(case, pair.first), records.of(case, pair.second)
    if not (first and second):
        return first, second
    both = {record["start"] for record in first} & {record["start"] for record in second}
    return [r for r in first if r["start"] in both], [r for r in second if r["start"] in both]


def _failures(case: Case, pair: Pair, records: RecordFolder) -> str | None:
    found = [
        f"{build} from {record['start']}: {record['error']}"
        for build in (pair.first, pair.second)
        for record in records.all_of(case, build)
        if record["error"]
    ]
    return "; ".join(found) or None


def _side(runs: Sequence[Row], which: str) -> Row:
    """The figures of one build: medians over the starts; the worst of coverage, segments and trust."""
    ates = _known(runs, "ate_percent")
    found = {
        "cpu_s": _median(runs, "cpu_s"),
        "probe_ms": _median(runs, "probe_ms"),
        "probes": _in_probes(runs),
        "wall_s": _median(runs, "wall_s"),
        "peak_mib": _median(runs, "peak_mib"),
        "ate": median(ates) if ates else None,
        "ate_range": f"{min(ates):.3f} to {max(ates):.3f}" if len(ates) > 1 else None,
        "scatter": _over(_counted(max(ates)), _counted(min(ates))) if len(ates) > 1 else None,
        "coverage": min(_known(runs, "coverage"), default=None),
        "segments": max(_known(runs, "segments"), default=None),
        "trust": min(_known(runs, "trust_share"), default=None),
        "ok": f"{sum(run['says_ok'] for run in runs)} of {len(runs)}" if runs else None,
        "depth": _of_median(runs, "depth_median_rel", lambda error: 100 * error),
        "kept": _median(runs, "depth_kept_share"),
    }
    scores = [run["f_scores"] for run in runs if run.get("f_scores")]
    found |= {f"f{share}": median(s[k] for s in scores) if scores else None for k, share in enumerate(THRESHOLDS)}
    return {f"{key}_{which}": value for key, value in found.items()}


def _last(runs: Sequence[Row]) -> Row:
    """What is told of the judged build alone: its share of a frame, and what it does in the predictor and outside."""
    inside = [sum(run["seconds_in_predictor"].values()) for run in runs if run["seconds_in_predictor"]]
    outside = [run["cpu_s"] - sum(run["seconds_in_predictor"].values()) for run in runs if run["seconds_in_predictor"]]
    per_frame = [run["cpu_s"] / run["frames"] for run in runs if run["frames"]]
    return {
        "frames": _median(runs, "frames"),
        "keyframes": _median(runs, "keyframes"),
        "cpu_s_per_frame": median(per_frame) if per_frame else None,
        "predictor_s": median(inside) if inside else None,
        "outside_s": median(outside) if outside else None,
    }


def geometric_mean(values: Sequence[float]) -> float | None:
    """The geometric mean of positive values; None of none."""
    return float(np.exp(np.mean(np.log(values)))) if len(values) else None


def _in_probes(runs: Sequence[Row]) -> float | None:
    """The median of CPU seconds over those of a probe: the same however fast the machine was; None where one is
    without."""
    found = [1000 * run["cpu_s"] / run["probe_ms"] for run in runs if run.get("probe_ms")]
    return median(found) if found and len(found) == len(runs) else None


def _known(runs: Sequence[Row], key: str) -> list[float]:
    return [run[key] for run in runs if run.get(key) is not None]


def _median(runs: Sequence[Row], key: str) -> float | None:
    return _of_median(runs, key, lambda value: value)


def _of_median(runs: Sequence[Row], key: str, convert: Callable[[float], float]) -> float | None:
    values = _known(runs, key)
    return convert(median(values)) if values else None


def _counted(ate: float | None) -> float | None:
    return None if ate is None else max(ate, LEAST_ATE)


def _over(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None
