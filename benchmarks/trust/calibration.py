"""The judge and the bank: coefficients from the developed half, and a new judge's opinion of runs that are done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from da3_stream.types import AdviceCode, Status

from .bank import CLEAN
from .records import Record

if TYPE_CHECKING:
    from da3_stream.trust import Judge
    from da3_stream.trust.logistic import IsotonicMap, LogisticModel

LOW = AdviceCode.LOW_CONFIDENCE.value
SHORTEST = 5  # rows of a stretch
INTERPOLATED = "INTERPOLATED"
OF_THE_LENS = ("intrinsics", "zoom", CLEAN)  # families: what else can be wrong is no fault of the lens
FEWEST = 40  # right poses and wrong poses that a model takes
FOLDS = 5
BY_HAND = "plain"  # the model for other predictors: the bank has no runs of theirs
LAST_LIE = 1.5  # the same in the last map
LIE = 2.5  # what a wrong pose counts beside a right one: in a wrong run every other pose is right by chance


def rescored(record: Record, judge: Judge) -> Record:
    """The record as it would be with another judge of the same windows: confidence, share and stretches.

    A record without witnesses stays as it is.
    """
    rows = np.flatnonzero(record.submap >= 0)
    if not len(record.witness_names) or not len(rows):
        return record
    values = {name: column[rows].astype(np.float64) for name, column in _columns(record).items()}
    status = tuple(Status(s) if s in list(Status) else Status.OK for s in record.status[rows].tolist())
    confidence = np.zeros(len(record.status), np.float64)
    confidence[rows] = judge.confidence(values, status, record.submap[rows].astype(np.int64))
    confidence[record.segment < 0] = 0.0
    confidence = _between(confidence, record.status)
    trust = float((confidence >= 0.5).mean())
    stretches = [s for s in record.facts.stretches if s["code"] != LOW] + _low(confidence)
    facts = replace(record.facts, trust_share=trust, stretches=stretches)
    return replace(record, facts=facts, confidence=confidence.astype(np.float32))


def _columns(record: Record) -> dict[str, NDArray[np.float32]]:
    return dict(zip(record.witness_names.tolist(), record.witnesses, strict=True))


def _between(confidence: NDArray[np.float64], status: NDArray[np.str_]) -> NDArray[np.float64]:
    """With the smaller confidence of their neighbours where frames were interpolated."""
    out, own = confidence.copy(), np.flatnonzero(status != INTERPOLATED)
    for row in np.flatnonzero(status == INTERPOLATED):
        k = int(np.searchsorted(own, row))
        beside = own[max(0, k - 1) : k + 1]
        out[row] = confidence[beside].min() if len(beside) else 0.0
    return out


def _low(confidence: NDArray[np.float64]) -> list[dict[str, Any]]:
    """The runs of rows of low confidence; they have rows here, and no times."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], confidence < 0.5, [False]])))
    spans = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [{"code": LOW, "rows": [first, stop - 1]} for first, stop in spans if stop - first >= SHORTEST]


def calibrate(records: Sequence[Record], judge: Judge) -> Judge:
    """The judge fitted to the developed half, its models drawn to those of `judge`, which were set by hand; a kind of
    pose with too few of them keeps its model. Its last map is made of kinds of trouble that models did not see.

    Raises ValueError for a record that is set apart.
    """
    if any(record.facts.job.apart for record in records):
        raise ValueError("runs that are set apart are no evidence: calibrate on the developed half")
    kinds = sorted({_kind(record) for record in records})
    unseen: list[Record] = []
    for held in (kinds[k::FOLDS] for k in range(FOLDS)) if len(kinds) >= FOLDS else ():
        seen = [record for record in records if _kind(record) not in held]
        unseen += [rescored(r, _with_models(seen, judge)) for r in records if _kind(r) in held]
    final = _last_map(unseen) if unseen else judge.final
    return replace(_with_models(records, judge), final=final)


def _kind(record: Record) -> str:
    return f"{record.facts.job.family}.{record.facts.job.variant}"


def _with_models(records: Sequence[Record], judge: Judge) -> Judge:
    fitted = {name: _fitted(records, name, model) for name, model in judge.models.items() if name != BY_HAND}
    return replace(judge, models={**judge.models, **fitted})


def _last_map(records: Sequence[Record]) -> IsotonicMap:
    """From confidence to how often poses are right, of those that move; wrong ones count more."""
    from da3_stream.trust.calibration import isotonic_knots
    from da3_stream.trust.logistic import IsotonicMap

    rows = [(record, _rows_of(record, "moving")) for record in records]
    confidence = _joined([record.confidence[chosen] for record, chosen in rows])
    right = _joined([record.right[chosen] for record, chosen in rows]).astype(bool)
    return IsotonicMap(*isotonic_knots(confidence, right, weight=np.where(right, 1.0, LAST_LIE)))


def _fitted(records: Sequence[Record], name: str, model: LogisticModel) -> LogisticModel:
    from da3_stream.trust import calibration

    table = poses_of(records, name)
    if min(int(table.right.sum()), int((~table.right).sum())) < FEWEST:
        return model
    names = sorted(model.terms)
    return calibration.fit(
        table.values, table.right, table.run, table.part, names, group=table.kind, lie=LIE, prior=model
    )


class Poses:
    """The scored poses of many runs, in order: `values` [N] by witness, `right`, and the numbers [N] of their `run`,
    `part` and `kind` of trouble."""

    def __init__(
        self, values: Mapping[str, NDArray], right: NDArray, run: NDArray, part: NDArray, kind: NDArray
    ) -> None:
        self.values, self.right, self.run, self.part, self.kind = values, right, run, part, kind


def poses_of(records: Iterable[Record], kind: str) -> Poses:
    """The scored poses of a kind: "held", "turned", "join" (the first ones behind joins), "lens" (of runs in which the
    lens is all that can be wrong), else those that move."""
    tables = [(record, _rows_of(record, kind)) for record in records if len(record.witness_names)]
    tables = [(record, rows) for record, rows in tables if len(rows)]
    names = sorted({name for record, _ in tables for name in record.witness_names.tolist()})
    values = {
        name: _joined([_columns(r).get(name, np.full(len(r.status), np.nan))[k] for r, k in tables]) for name in names
    }
    right = _joined([r.right[k] for r, k in tables]).astype(bool)
    run = _joined([np.full(len(k), number) for number, (_, k) in enumerate(tables)]).astype(np.int64)
    part = _joined([1000 * number + r.submap[k].astype(np.int64) for number, (r, k) in enumerate(tables)])
    troubles = [_kind(r) for r, _ in tables]
    numbers = np.unique(troubles, return_inverse=True)[1] if tables else np.zeros(0, np.int64)
    trouble = _joined([np.full(len(k), number) for number, (_, k) in zip(numbers, tables, strict=True)])
    return Poses(values, right, run, part.astype(np.int64), trouble.astype(np.int64))


def _rows_of(record: Record, kind: str) -> NDArray[np.int64]:
    special = {"held": "HELD", "turned": "TURNED"}
    known = record.scored & (record.submap >= 0) & (record.status != INTERPOLATED)
    if kind == "lens" and record.facts.job.family not in OF_THE_LENS:
        return np.zeros(0, np.int64)
    if kind == "join":
        return np.flatnonzero(known & _begins_joined(record))
    if kind in special:
        return np.flatnonzero(known & (record.status == special[kind]))
    return np.flatnonzero(known & ~np.isin(record.status, list(special.values())))


def _begins_joined(record: Record) -> NDArray[np.bool_]:
    """The first row of every submap that was joined to one before it."""
    joins = [column for name, column in _columns(record).items() if name.startswith("join_")]
    told = np.any(np.isfinite(joins), axis=0) if joins else np.zeros(len(record.status), bool)
    return told & (np.diff(record.submap, prepend=record.submap[0]) != 0)


def _joined(parts: list[NDArray]) -> NDArray:
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def write_coefficients(path: Path, judge: Judge) -> None:
    """Put a judge into a file of coefficients; what else it says stays."""
    tree = json.loads(path.read_text())
    tree["models"] |= {name: model.to_json() for name, model in judge.models.items()}
    tree["final"] = {"scores": list(judge.final.scores), "probabilities": list(judge.final.probabilities)}
    path.write_text(json.dumps(tree, indent=1) + "\n")
