"""Does the back-end keep its promises (issue 5, "What it must show")? Exit status 1 if a row does not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from benchmarks.backend.large import large_rows
from benchmarks.backend.rings import bias_rows, ring_rows
from benchmarks.backend.table import COLUMNS
from benchmarks.common import Row, plain_parser, report, surroundings

GROUPS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "ring": ring_rows,
    "bias": bias_rows,
    "large": large_rows,
}


def main() -> None:
    """The groups that were asked for, one after the other."""
    options = _options()
    around = surroundings()
    rows = [row for group in options.rows for row in GROUPS[group](options)]
    report(options, around, COLUMNS, rows)
    if any(row["met"] == "NO" for row in rows):
        sys.exit(1)


def _options() -> argparse.Namespace:
    found = plain_parser(__doc__)
    found.add_argument("--rows", type=_groups, default=list(GROUPS), help=f"of {','.join(GROUPS)}, with commas")
    found.add_argument("--seeds", type=int, default=40, help="noises per case, from seed 100 on")
    found.add_argument("--units", type=_numbers, default=[1.0, 0.01, 100.0], help="of length, for the ring")
    found.add_argument("--workers", type=int, default=1, help="processes for the seeds")
    return found.parse_args()


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
