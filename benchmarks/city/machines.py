"""How many hours does a city take on N machines, stage by stage: multiplied, and simulated with what goes wrong?

A stage begins when the one before it has ended. Simulated is with hard runs, attempts that fail, machines of unequal
speed that are lost, and a storage that all share; the figures behind it stand below, each with its source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.city.assumptions import RESULTS, Figure, figures
from benchmarks.city.cluster import Machines, Outcome, Work, simulate
from benchmarks.common import parser, tell
from benchmarks.tables import Column, Row, Table, report, surroundings

COLUMNS = [
    Column("machines", "machines"),
    Column("stage", "stage"),
    Column("tasks", "tasks", "{:,}"),
    Column("CPU h", "cpu_h", "{:,.1f}"),
    Column("multiplied, h", "multiplied_h", "{:,.2f}"),
    Column("simulated, h", "hours", "{:,.2f}"),
    Column("nine tenths done, h", "nine_tenths_h", "{:,.2f}"),
    Column("storage-bound, h", "storage_bound_h", "{:,.2f}"),
    Column("CPU h for nothing", "lost_cpu_h", "{:,.1f}"),
    Column("machines lost", "machines_lost"),
    Column("retried", "retried"),
    Column("given up", "given_up"),
]

FIGURE_COLUMNS = [
    Column("figure", "figure"),
    Column("value", "value"),
    Column("unit", "unit"),
    Column("source", "source"),
]
BYTE_COLUMNS = [Column("what", "what"), Column("a run", "run"), Column("the city", "city")]


@dataclass(frozen=True)
class Stage:
    """Tasks alike that can all be done at once; `longest_s`: what nobody can hasten."""

    name: str
    work: Work
    longest_s: float = 0.0


def stages(f: dict[str, Figure]) -> list[Stage]:
    """What a city takes, in the order of doing."""
    runs, v = int(f["runs"].value), {name: figure.value for name, figure in f.items()}
    looks = v["loops a run"] * v["looks a loop"]
    submaps = runs * v["submaps a run"]
    separators_s = v["separators"] * submaps**1.5
    trouble = {"hard": v["hard runs"], "fails": v["attempts that fail"]}
    queries = v["keyframes between runs"] * v["shards a query"]
    districts = max(1, round(submaps / 2000))
    share, steps_s = submaps / districts, v["steps"] * v["a step"]
    return [
        Stage(
            "runs",
            Work(
                runs,
                v["frames a run"] * v["CPU a frame"] + v["overhead a run"],
                v["video a run"],
                v["stored a run"],
                **trouble,
            ),
        ),
        Stage("places", Work(runs, queries * v["a query"], queries * v["keyframe in the index"])),
        Stage("looks", Work(runs, looks * v["a look"], looks * v["read for a look"], **trouble)),
        Stage("judging", Work(max(1, round(runs * v["quarters a run"])), v["a quarter"])),
        Stage("districts", Work(districts, (v["districts"] + steps_s) * share, 0.0, v["told"] * share)),
        Stage("separators", Work(1, separators_s, hard=0.0, sigma=0.0), separators_s),
    ]


def main() -> None:
    """The stages on every number of machines."""
    command = parser(__doc__, settings=False)
    command.add_argument("--machines", default="1,10,100,1000", help="numbers, with commas")
    command.add_argument("--seeds", type=int, default=3, help="simulations of each, of which the median is shown")
    command.add_argument("--results", type=Path, default=RESULTS, help="where the measured tables are")
    options = command.parse_args()
    around, known = surroundings(), figures(options.results)
    rows = [row for n in options.machines.split(",") for row in _rows(int(n), known, options.seeds)]
    listed = [figure.as_row() for figure in known.values()]
    more = [Table("bytes", BYTE_COLUMNS, list(_bytes(known))), Table("figures", FIGURE_COLUMNS, listed)]
    report(options, around, COLUMNS, rows, more=more)


def _rows(count: int, known: dict[str, Figure], seeds: int) -> Iterator[Row]:
    """The stages on N machines, and all together."""
    machines = machines_of(count, known)
    total: Row = {"machines": count, "stage": "all", "cpu_h": 0.0, "multiplied_h": 0.0, "hours": 0.0}
    for stage in stages(known):
        tell(f"{count} machines: {stage.name}")
        row = stage_row(stage, machines, seeds)
        for name in ("cpu_h", "multiplied_h", "hours"):
            total[name] += row[name]
        yield {"machines": count, **row}
    yield total


def machines_of(count: int, known: dict[str, Figure]) -> Machines:
    """N machines by the figures."""
    life, another = known["a machine's life"].value, known["another machine"].value
    return Machines(count, int(known["cores"].value), known["network"].value, known["storage"].value, life, another)


def stage_row(stage: Stage, machines: Machines, seeds: int) -> Row:
    """A stage, multiplied and simulated: of the simulation whose hours are the median."""
    cores, cpu_s = machines.count * machines.slots, stage.work.tasks * stage.work.cpu_s
    multiplied_s = max(cpu_s / cores, stage.longest_s)
    outcomes = [simulate(machines, stage.work, seed) for seed in range(seeds)]
    outcome = _median(outcomes)
    return {
        "stage": stage.name,
        "tasks": stage.work.tasks,
        "cpu_h": cpu_s / 3600,
        "multiplied_h": multiplied_s / 3600,
        **{name: value for name, value in vars(outcome).items() if name != "cpu_h"},
    }


def _median(outcomes: Sequence[Outcome]) -> Outcome:
    return sorted(outcomes, key=lambda outcome: outcome.hours)[len(outcomes) // 2]


def _bytes(f: dict[str, Figure]) -> Iterator[Row]:
    """What is stored and what is sent."""
    v = {name: figure.value for name, figure in f.items()}
    submaps = v["submaps a run"]
    for what, run in (
        ("videos", v["video a run"]),
        ("run directories", v["stored a run"]),
        ("index of places, files", v["keyframes between runs"] * v["keyframe in the index"]),
        ("index of places, memory", v["keyframes between runs"] * 128),
        (
            "sent to look for places",
            v["keyframes between runs"] * v["shards a query"] * (v["keyframe in the index"] + 120),
        ),
        ("read for looks", v["loops a run"] * v["looks a loop"] * v["read for a look"]),
        ("graph: a submap and its edges", submaps * 13 * 8 + (submaps + v["loops a run"]) * (13 + 49) * 8),
        ("told by districts and separators", v["told"] * submaps),
    ):
        yield {"what": what, "run": _size(run), "city": _size(run * v["runs"])}


def _size(value: float) -> str:
    """Bytes in the unit that suits."""
    power = min(4, int(np.log10(max(value, 1)) // 3))
    return f"{value / 1000**power:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


if __name__ == "__main__":
    main()
