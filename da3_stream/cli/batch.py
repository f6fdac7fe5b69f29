"""The command `batch`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import SettingsError
from .arguments import LogTo, Quiet, Verbose
from .console import console, say, stoppable
from .ending import fail
from .json_log import is_alone, json_log
from .options.run import RUN
from .options.table import with_options
from .places import Places
from .run import Assignments, Config, Exports
from .words import options_of_run, words_of

if TYPE_CHECKING:
    from rich.table import Table

    from ..batch import Row, Video
    from ..batch.places import Place

EXAMPLES = """Examples:

da3-stream batch clips/*.mp4 -o runs/clips --export tum

da3-stream batch list.csv -o runs/fleet --quality fast --summary fleet.json"""

FAILED = 1  # exit status where a video failed, or nothing of it could be placed


@with_options(RUN, before="exports")
def batch(
    values: dict[str, Any],
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...|LIST.csv",
            help="Videos, folders, cards, patterns: a run for each video; or a list with the columns input, out, "
            "priority and options.",
        ),
    ],
    out: Annotated[
        str, typer.Option("-o", "--out", metavar="DIR", help="The run directories are made in it; or an address.")
    ],
    work: Annotated[
        Path | None,
        typer.Option("--work", metavar="DIR", help="Of runs that go to an address: where they are made."),
    ] = None,
    config: Config = None,
    assignments: Assignments = None,
    exports: Exports = None,
    summary: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="What became of each video; DIR/summary.json and .csv tell it, too."),
    ] = None,
    retries: Annotated[int, typer.Option(min=0, help="How often a run that crashed or was killed is tried again.")] = 2,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin all anew, also what is finished.")] = False,
    with_changes: Annotated[
        bool, typer.Option("--resume-with-changes", help="Go on with runs in DIR under other map settings.")
    ] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="A video of which no frame could be placed is finished, too.")
    ] = False,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Runs on this machine, or on those of a cluster of Ray.")
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT|auto", help="Of Ray's cluster; default: one that is started here."),
    ] = None,
    actors: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most so many runs at once; default: as many as fit.")
    ] = None,
    log_to: LogTo = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Turn many videos into runs, as many at once as cores, memory and disk allow.

    The same command goes on where it was stopped or killed. Exit status 1 where a video failed.
    """
    from ..batch import How, run_batch

    with json_log(log_to, "batch") as told, console(verbose, quiet):
        options = words_of(context.params)
        videos = _videos(inputs, options)
        folder, sent_to = _place(out, work)
        _check_summary(summary)
        shown = not quiet and not is_alone(log_to)
        with stoppable("the same command goes on with what is left"):
            how = How(retries, actors, overwrite, summary, sent_to, shown, told.tell)
            with _machines(engine, address) as places:
                rows = run_batch(videos, folder, how, places)
        told.tell("result", {"run": out, **_counts(rows)})
        _tell_end(rows, quiet)


def _videos(inputs: list[str], options: Sequence[str]) -> list[Video]:
    from ..batch import is_list, read_list, videos_of

    if is_list(inputs):
        return read_list(Path(inputs[0]), options, options_of_run)
    return videos_of(inputs, options, options_of_run)


def _place(out: str, work: Path | None) -> tuple[Path, str | None]:
    """The directory in which runs are made, and the address that they go to."""
    places = Places.of(out, work, [out])
    return places.run, places.address


def _machines(engine: str, address: str | None) -> AbstractContextManager[Callable[[], Sequence[Place]] | None]:
    """Where runs are made. Raises SettingsError for the address of a cluster without Ray."""
    if engine == "local":
        if address is not None:
            raise SettingsError("--address goes with --engine ray: give that, too, or leave it out")
        return nullcontext()
    from ..distributed.nodes import cluster_places

    return cluster_places(address)


def _check_summary(path: Path | None) -> None:
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise SettingsError(f"--summary {path} cannot be written: give a file in a folder that exists")


def _counts(rows: Sequence[Row]) -> dict[str, int]:
    from ..batch import State

    return {state.value: sum(row.state == state for row in rows) for state in State}


def _tell_end(rows: Sequence[Row], quiet: bool) -> None:
    """The table, and one sentence where not all are finished."""
    from ..batch import State
    from .screen import show

    if not quiet:
        show(_table(rows))
    bad = [row for row in rows if row.state != State.FINISHED]
    if bad:
        first = f"{bad[0].name} ({bad[0].state.value}: {bad[0].error})"
        fail(f"{len(bad)} of {len(rows)} videos are not finished, the first: {first}", FAILED)
    say(f"all {len(rows)} videos are finished", quiet)


def _table(rows: Sequence[Row]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("video", "state", "frames", "placed", "segments", "trust", "seconds", "why"):
        table.add_column(title, justify="left" if title in ("video", "state", "why") else "right", overflow="fold")
    for row in rows:
        trust = None if row.trust is None else f"{100 * row.trust:.0f} %"
        cells = (
            row.name,
            row.state.value,
            row.frames,
            row.placed,
            row.segments,
            trust,
            f"{row.seconds:.1f}",
            row.error,
        )
        table.add_row(*("" if cell is None else str(cell) for cell in cells))
    return table
