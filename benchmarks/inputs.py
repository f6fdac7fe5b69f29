"""Are inputs of unusual kinds right? The small ones of `cases/inputs` in the shared data, with what is asked of each.

A row is missed where the run ends otherwise than it should, has other frames or another size, is farther from the
truth than it may be (in % of the path, or times another row's), says OK where it must not or doubts where it need not,
or does not say what it has to.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.common import Measured, benchmark, data_dir, measured_run
from benchmarks.input_cases import CASES, InputCase
from benchmarks.tables import Column, Row
from da3_stream.errors import Da3StreamError
from da3_stream.evaluation import evaluate
from da3_stream.report.words import says_ok

COLUMNS = [
    Column("input", "input"),
    Column("frames", "frames"),
    Column("size", "size"),
    Column("exit", "exit"),
    Column("ATE %", "ate_percent", "{:.3f}"),
    Column("RPE %", "rpe_trans_percent", "{:.2f}"),
    Column("at most %", "most_percent", "{:.3f}"),
    Column("share", "share", "{:.2f}"),
    Column("OK", "says_ok"),
    Column("says", "says"),
    Column("CPU s", "cpu_s", "{:.1f}"),
    Column("missed", "missed"),
]


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--cases", default="", help="names that hold one of these words, with commas (default: all)")
    command.add_argument("--workers", type=int, default=2)


@benchmark(COLUMNS, _options, good=lambda row: not row["missed"])
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Run the cases that were asked for, one after the other."""
    words = [word for word in options.cases.split(",") if word]
    ate: dict[str, float] = {}
    for case in CASES:
        if not words or any(word in case.name for word in words):
            row = _row(case, folder, options, ate)
            ate[case.name] = row.get("ate_percent") or 0.0
            yield row


def _row(case: InputCase, folder: Path, options: argparse.Namespace, ate: Mapping[str, float]) -> Row:
    inputs, out = data_dir().parent / "cases" / "inputs", folder / case.name.replace(" ", "_").replace("/", "_")
    words = [word.replace("INPUTS", str(inputs)) for word in case.options]
    with measured_run(inputs / case.source, out, options, "--workers", str(options.workers), *words) as measured:
        row = {"input": case.name, **_facts(measured)}
        if case.truth and not measured.error:
            row |= _against_truth(measured.directory, inputs / case.truth)
    row["most_percent"] = case.most_percent or (case.times * ate.get(case.beside, 0.0) if case.beside else None)
    return row | {"missed": ", ".join(_missed(case, row)) or None}


def _facts(measured: Measured) -> Row:
    """What the run says of itself."""
    status = measured.status
    trust, told = status.get("trust") or {}, [row["code"] for row in status.get("advice", ())]
    codes = [*(row["code"] for row in trust.get("stretches", ())), *told]
    size = status.get("input", {}).get("size")
    return {
        "frames": status.get("frames"),
        "size": f"{size[0]}x{size[1]}" if size else None,
        "exit": 0 if not measured.error else measured.error,
        "share": trust.get("share"),
        "says_ok": says_ok(trust) if trust else None,
        "says": " ".join(sorted(set(codes))),
        "cpu_s": sum(status.get("seconds_by_stage", {}).values()),
    }


def _against_truth(run: Path, truth: Path) -> Row:
    try:
        result = evaluate(run, truth, format="tum" if "groundtruth" in truth.name else "kitti")
    except Da3StreamError as error:
        return {"exit": str(error)}
    return {key: result[key] for key in ("ate_percent", "rpe_trans_percent")}


def _missed(case: InputCase, row: Row) -> Iterator[str]:
    if case.refused:
        if case.refused not in str(row["exit"]) or "exit status 2" not in str(row["exit"]):
            yield "not refused"
        return
    if row["exit"]:
        yield "failed"
    for name in ("frames", "size"):
        if getattr(case, name) not in (None, row[name]):
            yield name
    limit, ate = row["most_percent"], row.get("ate_percent")
    wrong = limit is not None and (ate is None or ate > limit)
    if wrong and not (case.or_doubted and row["says_ok"] is False):
        yield "ATE"
    if case.says_ok not in (None, row["says_ok"]):
        yield "OK"
    if any(code not in row["says"] for code in case.says):
        yield "says"


if __name__ == "__main__":
    main()
