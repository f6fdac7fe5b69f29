"""The command `run`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import Da3StreamError, SettingsError
from .arguments import LogTo, Quiet, Verbose
from .console import console, say, stoppable
from .ending import fail
from .engine import Actors, Address, DecodeInActors, EngineName, choose_engine
from .exports import check_formats, export_formats
from .json_log import is_alone, json_log
from .options import completion
from .options.run import RUN
from .options.table import with_options
from .places import Places, list_input, source_of
from .results import EMPTY, tell_result
from .view import page_beside

if TYPE_CHECKING:
    from ..predictors.engine import Engine
    from ..progress import Listener
    from ..settings import Settings
    from ..stopwatch import Stopwatch


EXAMPLES = """Examples:

da3-stream run drive.mp4

da3-stream run drive.mp4 -o runs/drive --config dashcam --camera-height 1.4 --view

da3-stream run pictures/ --intrinsics 718.9,718.9,607.2,185.2 --quality best --export laz

da3-stream run clip.mp4 --set windows.size=60 -q --json-log clip.jsonl"""

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT...",
        help="Videos, images, folders, cards, ROS bags, patterns (also s3://...), a camera's number, or a stream.",
    ),
]
Exports = Annotated[
    list[str] | None,
    typer.Option(
        "--export",
        metavar="FORMAT",
        help="Write this into DIR/export, too (see 'export --help').",
        autocompletion=completion.formats,
    ),
]

Config = Annotated[
    str | None, typer.Option(metavar="NAME|FILE", help="A preset, or a YAML file.", autocompletion=completion.presets)
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="STAGE.KEY=VALUE", help="Any setting (see configs/base.yaml).")
]


@with_options(RUN, before="exports")
def run(
    values: dict[str, Any],
    inputs: Inputs,
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", metavar="DIR", help="Default: runs/<name of INPUT>. Or an address: s3://BUCKET/DIR."
        ),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(
            "--work", metavar="DIR", help="Of a run that goes to an address: where it is made; default as -o."
        ),
    ] = None,
    config: Config = None,
    assignments: Assignments = None,
    exports: Exports = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run that DIR holds.")] = False,
    with_changes: Annotated[
        bool, typer.Option("--resume-with-changes", help="Go on with the run in DIR under other map settings.")
    ] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Exit status 0, not 3, where no frame could be placed.")
    ] = False,
    only_list: Annotated[
        bool, typer.Option("--list", help="Tell which files are read in which order, what is left out and why; no run.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="With --list: for programs.")] = False,
    view: Annotated[
        bool, typer.Option("--view", help="Open a page to look on, as long as the run goes on (see 'view').")
    ] = False,
    engine: EngineName = "local",
    address: Address = None,
    actors: Actors = None,
    decode_in_actors: DecodeInActors = False,
    log_to: LogTo = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Turn a video or images into a trajectory and a point cloud."""
    import time

    from ..settings import load_settings
    from ..stopwatch import Stopwatch

    watch = Stopwatch(cpu_before=time.process_time())
    with json_log(log_to, "run") as told:
        settings = load_settings(config, assignments or (), values)
        check_formats(exports or ())
        if json and not only_list:
            raise SettingsError("--json goes with --list: give both, or leave it out")
        places = Places.of(out, work, inputs)
        if only_list:
            with console(verbose):
                return list_input(inputs, places.run, settings, json)
        shown = not quiet and not is_alone(log_to)
        with console(verbose, quiet), stoppable(f"what was placed until then is in {places.run}"):
            where = choose_engine(engine, address, actors, decode_in_actors)
            how = _How(places, settings, where, watch, shown, told.tell, overwrite, with_changes)
            nothing = _run(inputs, how, exports or (), view, quiet, allow_empty)
        if nothing is not None and not allow_empty:
            fail(f"{nothing} (--allow-empty: end with status 0 all the same)", EMPTY)


@dataclass(frozen=True)
class _How:
    """Where a run goes, and how."""

    places: Places
    settings: Settings
    engine: Engine
    watch: Stopwatch
    shown: bool
    tell: Listener
    overwrite: bool
    with_changes: bool


def _run(
    inputs: list[str], how: _How, exports: Sequence[str], view: bool, quiet: bool, allow_empty: bool
) -> str | None:
    """All that is asked for; remote inputs are here until it is done. Returns why nothing was placed, if so."""
    from ..remote_files import local_copies

    how.places.require(how.overwrite)
    run, source = how.places.run, source_of(inputs)
    failed = None
    with local_copies(source, run, overwrite=how.overwrite, shown=how.shown, listener=how.tell) as here:
        with page_beside(run, quiet) if view else nullcontext():
            directory = _reconstruct(here, inputs, how, quiet)
        nothing = tell_result(directory, quiet, how.tell)
        try:
            if nothing is None or allow_empty:
                export_formats(directory, exports, quiet, how.shown, how.tell)
        except Da3StreamError as error:
            failed = error  # the run goes where it belongs all the same
    how.places.send(how.overwrite, quiet, how.shown, how.tell)
    if failed is not None:
        raise failed
    return nothing


def _reconstruct(source: Any, inputs: list[str], how: _How, quiet: bool) -> Path:
    """The run directory, made."""
    from .. import pipeline
    from ..predictors.model_choice import choose_model
    from ..remote_files import without_password

    chosen = choose_model(how.settings.model)
    say(f"model: {chosen}; run directory: {how.places.run}", quiet)
    how.tell("run", {"run": str(how.places.run), "inputs": [*map(without_password, inputs)], "model": chosen.name})
    return pipeline.run(
        source,
        how.places.run,
        how.settings,
        model=chosen,
        engine=how.engine,
        watch=how.watch,
        progress=how.shown,
        listener=how.tell,
        overwrite=how.overwrite,
        with_changes=how.with_changes,
    )
