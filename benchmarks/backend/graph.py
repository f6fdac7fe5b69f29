"""Does the back-end keep its promises? Exit status 1 if a row does not."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.backend.large import large_rows
from benchmarks.backend.rings import bias_rows, ring_rows
from benchmarks.backend.table import COLUMNS
from benchmarks.common import benchmark
from benchmarks.tables import Row

GROUPS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "ring": ring_rows,
    "bias": bias_rows,
    "large": large_rows,
}


def _options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--rows", type=_groups, default=list(GROUPS), help=f"of {','.join(GROUPS)}, with commas")
    command.add_argument("--seeds", type=int, default=40, help="noises per case, from seed 100 on")
    command.add_argument("--units", type=_numbers, default=[1.0, 0.01, 100.0], help="of length, for the ring")
    command.add_argument("--workers", type=int, default=1, help="processes for the seeds")


@benchmark(COLUMNS, _options, good=lambda row: row["met"] != "NO", settings=False)
def main(folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """The groups that were asked for, one after the other."""
    return (row for group in options.rows for row in GROUPS[group](options))


def _groups(text: str) -> list[str]:
    names = text.split(",")
    unknown = sorted(set(names) - GROUPS.keys())
    if unknown:
        raise argparse.ArgumentTypeError(f"no rows {', '.join(unknown)}: there are {', '.join(GROUPS)}")
    return names


def _numbers(text: str) -> list[float]:
    return [float(word) for word in text.split(",")]


if __name__ == "__main__":
    main()
