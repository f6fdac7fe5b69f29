"""The judge and the bank: coefficients from the developed half, and a new judge's opinion of runs that are done."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from da3_stream.trust import Judge
from da3_stream.trust.calibration import Poses, fit, isotonic_map
from da3_stream.trust.judge import HELD, JOIN, LENS, MOVING, TURNED
from da3_stream.trust.logistic import IsotonicMap, LogisticModel
from da3_stream.types import AdviceCode, Status

from .bank import CLEAN
from .records import Record

LOW = AdviceCode.LOW_CONFIDENCE.value
SHORTEST = 5  # rows of a stretch
INTERPOLATED = "INTERPOLATED"
OF_THE_LENS = ("intrinsics", "zoom", CLEAN)  # families: what else can be wrong is no fault of the lens
FEWEST = 40  # right poses and wrong poses that a model takes
FOLDS = 5
OF_MOVING = (MOVING, JOIN, LENS)  # the models that poses of a camera that moves are judged by
FITTED = (*OF_MOVING, HELD, TURNED)  # not the model for other predictors: the bank has no runs of theirs
LIE = 2.5  # what a wrong pose counts beside a right one: in a wrong run every other pose is right by chance
LAST_LIE = 1.5  # the same in the last map


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
    unseen = _judged_unseen(records, judge)
    final = _last_map(unseen) if unseen else judge.final
    return replace(_with_models(records, judge, FITTED), final=final)


def _judged_unseen(records: Sequence[Record], judge: Judge) -> list[Record]:
    """The records by judges that were fitted to other kinds of trouble; none where there are too few kinds."""
    kinds = sorted({_kind(record) for record in records})
    out: list[Record] = []
    for held in [kinds[k::FOLDS] for k in range(FOLDS)] if len(kinds) >= FOLDS else ():
        others = _with_models([record for record in records if _kind(record) not in held], judge, OF_MOVING)
        out += [rescored(record, others) for record in records if _kind(record) in held]
    return out


def _kind(record: Record) -> str:
    return f"{record.facts.job.family}.{record.facts.job.variant}"


def _with_models(records: Sequence[Record], judge: Judge, names: Iterable[str]) -> Judge:
    fitted = {name: _fitted(records, name, judge.models[name]) for name in names}
    return replace(judge, models={**judge.models, **fitted})


def _last_map(records: Sequence[Record]) -> IsotonicMap:
    """From confidence to how often poses are right, of those that move; wrong ones count more."""
    rows = [(record, _rows_of(record, MOVING)) for record in records]
    confidence = _joined([record.confidence[chosen] for record, chosen in rows])
    right = _joined([record.right[chosen] for record, chosen in rows]).astype(bool)
    return isotonic_map(confidence, right, weight=np.where(right, 1.0, LAST_LIE))


def _fitted(records: Sequence[Record], name: str, model: LogisticModel) -> LogisticModel:
    poses = poses_of(records, name)
    if min(int(poses.right.sum()), int((~poses.right).sum())) < FEWEST:
        return model
    return fit(poses, sorted(model.terms), prior=model, lie=LIE)


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
    special = {HELD: Status.HELD.value, TURNED: Status.TURNED.value}
    known = record.scored & (record.submap >= 0) & (record.status != INTERPOLATED)
    if kind == LENS and record.facts.job.family not in OF_THE_LENS:
        return np.zeros(0, np.int64)
    if kind == JOIN:
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


def source(records: Sequence[Record], judge: Judge, prior: Judge) -> str:
    """Where the coefficients of a judge come from: to what it was fitted, when, and what of `prior` it kept."""
    programs = Counter(record.facts.code for record in records)
    codes = ", ".join(f"{code} ({count})" for code, count in programs.most_common())
    kept = ", ".join(name for name, model in judge.models.items() if model == prior.models[name])
    fitted = (
        f"python -m benchmarks.trust calibrate, {datetime.now(UTC).date()}: {len(records)} runs of the developed half"
    )
    return f"{fitted}, by code {codes}; set by hand: {kept or 'nothing'}"


def write_coefficients(path: Path, judge: Judge, source: str) -> None:
    """A file of coefficients that says where they come from."""
    tree = judge.to_json()
    path.write_text(json.dumps({"models": tree["models"], "source": source, "final": tree["final"]}, indent=1) + "\n")
