"""Do memory, disk and time stay flat over a long run? Lap after lap of the town, told by tenths of the run.

`--predictor stub` predicts by the truth, so that ten hours of frames through the whole pipeline fit into one;
`--predictor sfm` is the real predictor with all of its processes.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.common import parser, workplace
from benchmarks.scaling.footprint import Growth
from benchmarks.tables import report, surroundings

DEFAULTS = {
    "stub": {"frames": 108_000, "lap": 3000, "size": (64, 48)},
    "sfm": {"frames": 10_000, "lap": 300, "size": (160, 120)},
}


def main() -> None:
    """One run; exit status 1 where a fact says NO."""
    options = _options()
    around = surroundings()
    with workplace(options.keep) as folder:
        growth = import_module(f"benchmarks.scaling.{options.predictor}").measure(folder, options)
        report(options, around, growth.columns, growth.rows, growth.facts)
    if options.picture:
        _draw(growth, options.picture)
    if any("NO" in str(value) for value in growth.facts.values()):
        sys.exit(1)


def _options() -> argparse.Namespace:
    command = parser(__doc__)
    command.add_argument("--predictor", choices=list(DEFAULTS), default="stub")
    command.add_argument("--frames", type=int, help=f"length of the run ({_defaults('frames')})")
    command.add_argument("--lap", type=int, help=f"frames of the lap that is repeated ({_defaults('lap')})")
    command.add_argument("--size", type=_size, metavar="WIDTHxHEIGHT", help=f"of the frames ({_defaults('size')})")
    command.add_argument("--picture", type=Path, metavar="FILE", help="also draw memory and time over the run")
    command.add_argument("--minutes", type=float, metavar="M", help="sfm: give no more frames after so many minutes")
    command.add_argument("--every", type=float, default=1.0, help="sfm: seconds between two looks at the processes")
    options = command.parse_args()
    for name, value in DEFAULTS[options.predictor].items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def _defaults(name: str) -> str:
    return ", ".join(f"{predictor}: {values[name]}" for predictor, values in DEFAULTS.items())


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


def _draw(growth: Growth, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    growth.draw(figure)
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
