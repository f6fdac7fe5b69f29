"""Is this build faster than the one before, in less memory, and as accurate? Both on the same clips, in turn.

The old build is a checkout of --commit in a temporary folder, or the folder --old. Every run is a process of its own,
and leaves a record in --records: a run that has one (of the same program under the same options) is not repeated, so
--clips may be spread over machines and days, and the tables are made of all records of the clips that are asked for.
A row's figures are medians over the frames that its runs begin at. --builds old,balanced,fast,best also runs the
other qualities of this build; --builds old makes the old build's records alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.beside.cases import STARTS, SUBJECTS, Case, chosen_cases
from benchmarks.beside.comparison import Pair, compared, tables
from benchmarks.beside.peers import peer_table
from benchmarks.beside.peers import verdict as peer_verdict
from benchmarks.beside.records import RecordFolder
from benchmarks.beside.runs import Build, Runner
from benchmarks.beside.verdicts import LIMITS, verdicts
from benchmarks.checkouts import check_out
from benchmarks.common import parser, workplace
from benchmarks.tables import ROOT, Row, Table, commit_of, report, surroundings

OLD, BALANCED = "old", "balanced"
QUALITIES = (BALANCED, "fast", "best")
BEFORE = "8d37e38"  # the build before key frames
WORK = ROOT / "runs" / "old_and_new"


def main() -> None:
    """The command line; exit status 1 where a figure misses what is asked of it."""
    options = _parser().parse_args()
    around, records = surroundings(), RecordFolder(options.records)
    cases = [case for case in chosen_cases(options.clips, options.camera, options.starts) if case.starts]
    names = _names(options.builds)
    if not options.only_table:
        with suppress(KeyboardInterrupt):
            _run(cases, names, records, options)
    found, facts = _compare(cases, names, records)
    report(options, around, found[0].columns, found[0].rows, facts | _origins(cases, names, records), found[1:])
    if any("NO" in told for told in facts.values()):
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    command = parser(__doc__, settings=False)
    command.add_argument("--commit", default=BEFORE, help="of the old build")
    command.add_argument("--old", type=Path, metavar="DIR", help="a checkout of the old build, instead of --commit")
    command.add_argument(
        "--builds", default=f"{OLD},{BALANCED}", help=f"{OLD} and qualities of this build, with commas"
    )
    known = ",".join(Path(subject.name).stem for subject in SUBJECTS)
    command.add_argument("--clips", default=known, help="names, with commas")
    command.add_argument("--camera", choices=("given", "none", "both"), default="both", help="intrinsics of the clips")
    command.add_argument("--starts", default=",".join(map(str, STARTS)), help="frames to begin at, with commas")
    command.add_argument("--workers", type=int, default=2, help="of every run")
    command.add_argument("--max-frames", type=int, help="of every run")
    command.add_argument("--set", action="append", default=[], metavar="STAGE.KEY=VALUE", help="for this build alone")
    command.add_argument("--records", type=Path, default=WORK / "records", metavar="DIR", help="where records lie")
    command.add_argument("--cache", type=Path, default=WORK / "towns", metavar="DIR", help="where towns are rendered")
    command.add_argument("--only-table", action="store_true", help="run nothing: tables of whatever records there are")
    return command


def _names(builds: str) -> list[str]:
    names = [name for name in builds.split(",") if name]
    if strange := [name for name in names if name not in (OLD, *QUALITIES)]:
        raise SystemExit(f"no build {strange[0]}: there are {', '.join((OLD, *QUALITIES))}")
    return names


def _run(cases: Sequence[Case], names: Sequence[str], records: RecordFolder, options: argparse.Namespace) -> None:
    given = ["--workers", str(options.workers)]
    given += ["--max-frames", str(options.max_frames)] if options.max_frames else []
    options.cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="da3_old_") as folder, workplace(options.keep) as runs:
        builds = [_build(name, Path(folder), options) for name in names]
        runner = Runner(builds, records, options.cache.resolve(), runs, tuple(given), keep=options.keep is not None)
        runner.run(cases)


def _build(name: str, folder: Path, options: argparse.Namespace) -> Build:
    if name == OLD:
        code = options.old.resolve() if options.old else check_out(options.commit, folder)
        return Build(name, code, commit_of(code) if options.old else options.commit)
    quality = () if name == BALANCED else ("--quality", name)
    settings = [word for text in options.set for word in ("--set", text)]
    return Build(name, ROOT, commit_of(ROOT), (*quality, *settings))


def _pairs(names: Sequence[str]) -> list[Pair]:
    """What is compared: each quality with the old build, and with each other where something is asked of that."""
    news = [name for name in names if name != OLD]
    pairs = [Pair(OLD, name) for name in news or QUALITIES[:1]]
    return pairs + [pair for pair in LIMITS if pair.first in news and pair.second in news]


def _compare(cases: Sequence[Case], names: Sequence[str], records: RecordFolder) -> tuple[list[Table], dict[str, str]]:
    found, facts = list[Table](), dict[str, str]()
    for pair in _pairs(names):
        rows = [compared(case, pair, records) for case in cases]
        found += tables(rows, pair)
        facts |= verdicts(rows, pair)
        if pair.first == OLD and (peers := peer_table(cases, rows, pair)).rows:
            found.append(peers)
            facts[f"{pair.second} beside ORB-SLAM3"] = peer_verdict(peers)
    return found, facts


def _origins(cases: Sequence[Case], names: Sequence[str], records: RecordFolder) -> Row:
    """Commits, machines and versions of the records, which need not be this process's."""
    runs = [record for case in cases for name in names for record in records.of(case, name)]
    return {
        **{
            f"commits of {name}": ", ".join(_different(r["commit"] for r in runs if r["build"] == name))
            for name in names
        },
        "machines": ", ".join(_different(f"{r['machine']['processor']}, {r['machine']['cores']} cores" for r in runs)),
        "versions": "; ".join(_different(_versions(r) for r in runs)),
        "options": "; ".join(_different(f"{r['build']}: {' '.join(r['options'])}" for r in runs)),
    }


def _different(texts: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _versions(record: Row) -> str:
    return ", ".join(f"{name} {version}" for name, version in record["versions"].items() if version)


if __name__ == "__main__":
    main()
