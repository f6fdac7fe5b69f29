"""Does the run know when it is wrong? A bank of runs with truth, its scores, and the judge's calibration.

    python -m benchmarks.trust run --part developed --workers 2    # resumable; --code DIR: another checkout's program
    python -m benchmarks.trust pack                                # records -> benchmarks/results/trust; unpack: back
    python -m benchmarks.trust calibrate                           # writes da3_stream/trust/coefficients.json
    python -m benchmarks.trust score [--rescore] [--apart] [--beside DIR]
    python -m benchmarks.trust list                                # the runs of the developed half
    python -m benchmarks.trust severity                            # how much of each trouble both halves withstand

Half of the seeds, and the families wipers_drops and dropped_frames, are set apart: nothing is told of them without
--apart, which is for the end alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.tables import ROOT, report, surroundings, text_table

from . import scoring, severity
from .bank import ladders
from .calibration import calibrate, rescored, source, write_coefficients
from .ladders import Climber, climb_all
from .records import Record, RecordFolder
from .runner import Bench
from .shards import pack, unpack
from .statistics import reliability

RESULTS = ROOT / "benchmarks" / "results" / "trust"
PRIOR = Path(__file__).with_name("prior.json")  # coefficients set by hand: what is known of the witnesses beforehand
WORK = ROOT / "runs" / "trust"
PARTS = {"developed": False, "apart": True}


def main() -> None:
    """The command line."""
    options = parser().parse_args()
    options.do(options)


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    command = argparse.ArgumentParser(
        "python -m benchmarks.trust", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = command.add_subparsers(required=True)
    _add_run(commands.add_parser("run", help="run what has no record yet"))
    packing = commands.add_parser("pack", help="put the records into the files that are committed")
    packing.set_defaults(do=pack_records)
    unpacking = commands.add_parser("unpack", help="make records of the committed files, to go on from them")
    unpacking.set_defaults(do=unpack_records)
    fitting = commands.add_parser("calibrate", help="fit the judge to the developed half")
    fitting.add_argument("--out", type=Path, default=ROOT / "da3_stream" / "trust" / "coefficients.json")
    fitting.set_defaults(do=calibrate_judge)
    listing = commands.add_parser("list", help="a row for every run")
    listing.set_defaults(do=list_runs)
    scores = commands.add_parser("score", help="the figures")
    scores.add_argument("--beside", type=Path, help="records of another version")
    scores.add_argument("--json", type=Path)
    scores.add_argument("--markdown", type=Path)
    scores.add_argument("--picture", type=Path, help="the reliability diagram, .png")
    scores.set_defaults(do=score)
    withstood = commands.add_parser("severity", help="how much of each trouble is withstood, of both halves together")
    withstood.add_argument("--json", type=Path)
    withstood.add_argument("--markdown", type=Path)
    withstood.set_defaults(do=tell_severity)
    for each in (packing, unpacking, fitting, listing, scores, withstood):
        each.add_argument("--records", type=Path, default=WORK / "records", help="folder of records, or of packed ones")
    for each in (listing, scores):
        each.add_argument("--family", default="")
        each.add_argument("--apart", action="store_true", help="the part set apart, instead of the developed one")
        each.add_argument("--rescore", action="store_true", help="by the judge as it is now, from the stored witnesses")
    return command


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("--part", choices=[*PARTS, "both"], default="developed")
    command.add_argument("--family", default="", help="one family alone")
    command.add_argument(
        "--steps", default="", help="these steps alone, like 0,4, instead of up to the first wrong one"
    )
    command.add_argument("--seeds", default="", help="these seeds alone, like 0,2")
    command.add_argument("--shard", default="0/1", metavar="K/N", help="every Nth ladder, from the Kth")
    command.add_argument("--workers", type=int, default=1, help="runs at a time")
    command.add_argument("--code", type=Path, default=ROOT, help="the checkout whose program is run")
    command.add_argument("--fresh", action="store_true", help="records of another version of the program do not count")
    command.add_argument("--records", type=Path, default=WORK / "records")
    command.add_argument("--cache", type=Path, default=WORK / "clean", help="clean sequences, rendered once")
    command.add_argument("--set", action="append", default=[], metavar="STAGE.KEY=VALUE")
    command.set_defaults(do=run_bank)


def run_bank(options: argparse.Namespace) -> None:
    """Climb the ladders that were chosen."""
    chosen = list(ladders(apart=PARTS.get(options.part), family=options.family))
    seeds = [int(seed) for seed in options.seeds.split(",") if seed]
    chosen = [ladder for ladder in chosen if not seeds or ladder.seed in seeds]
    part, count = (int(number) for number in options.shard.split("/"))
    bench = Bench(options.cache, options.code.resolve(), tuple(options.set))
    climber = Climber(bench, RecordFolder(options.records), options.fresh)
    steps = [int(step) for step in options.steps.split(",") if step]
    climb_all(climber, chosen[part::count], options.workers, steps)


def pack_records(options: argparse.Namespace) -> None:
    """Two files, one for each half."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    records = read_records(options.records)
    for name, apart in PARTS.items():
        if half := [r for r in records if r.facts.job.apart is apart]:
            pack(half, RESULTS / f"{name}.npz")


def unpack_records(options: argparse.Namespace) -> None:
    """A file for each run that is in the two files."""
    folder = RecordFolder(options.records)
    for record in read_records(RESULTS):
        folder.put(record)


def calibrate_judge(options: argparse.Namespace) -> None:
    """Fit the judge's models and write them."""
    from da3_stream.machine import one_thread_each
    from da3_stream.trust import load_judge

    developed, prior = [r for r in read_records(options.records) if not r.facts.job.apart], load_judge(PRIOR)
    with one_thread_each():  # the many small products wait for a second thread longer than they take
        judge = calibrate(developed, prior)
    write_coefficients(options.out, judge, source(developed, judge, prior))


def list_runs(options: argparse.Namespace) -> None:
    """A row for every run of a part."""
    print(text_table(scoring.RUNS, scoring.run_rows(chosen_records(options))))


def score(options: argparse.Namespace) -> None:
    """The figures of a part, by family too, with the reliability diagram."""
    around = surroundings()
    runs = scoring.counted(chosen_records(options))
    beside = scoring.counted(_part(read_records(options.beside), options)) if options.beside else None
    bins = reliability(*runs.poses())
    report(options, around, scoring.SUMMARY, scoring.summary_rows(runs, beside))
    print(f"\n{text_table(scoring.FAMILIES, scoring.family_rows(runs))}\n")
    print(text_table(scoring.BINS, scoring.bin_rows(bins)))
    if options.picture:
        scoring.draw_reliability(bins, options.picture)


def tell_severity(options: argparse.Namespace) -> None:
    """How many runs of each step are right, by the judge as it is now."""
    from da3_stream.trust import load_judge

    around, judge = surroundings(), load_judge()
    records = [rescored(record, judge) for record in read_records(options.records)]
    report(options, around, severity.COLUMNS, severity.severity_rows(records))


def chosen_records(options: argparse.Namespace) -> list[Record]:
    """The records of a part, by the judge as it is now if that is asked for."""
    records = _part(read_records(options.records), options)
    if not options.rescore:
        return records
    from da3_stream.trust import load_judge

    return [rescored(record, load_judge()) for record in records]


def _part(records: list[Record], options: argparse.Namespace) -> list[Record]:
    return [r for r in records if r.facts.job.apart is options.apart and options.family in ("", r.facts.job.family)]


def read_records(folder: Path) -> list[Record]:
    """The records of a folder, whether a file each or packed; SystemExit where there are none."""
    packed = [folder / f"{name}.npz" for name in PARTS]
    if any(path.exists() for path in packed):
        return [record for path in packed if path.exists() for record in unpack(path)]
    found = RecordFolder(folder).all() if folder.is_dir() else []
    if not found:
        sys.exit(f"no records in {folder}: run the bank first, or give --records")
    return found


if __name__ == "__main__":
    main()
