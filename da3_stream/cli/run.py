"""The command `run`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import SettingsError
from .arguments import Quiet, Verbose
from .console import console, default_out, fail, say, stoppable
from .option_table import with_options
from .run_options import RUN
from .view import page_beside

if TYPE_CHECKING:
    from ..settings import Settings
    from ..stopwatch import Stopwatch

EMPTY = 3  # exit status of a run in which no frame could be placed

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT...",
        help="Videos, images, folders, cards, ROS bags, patterns, a camera's number, or a stream's address.",
    ),
]
Exports = Annotated[
    list[str] | None,
    typer.Option("--export", metavar="FORMAT", help="Write this into DIR/export, too (see 'export --help')."),
]


@with_options(RUN, before="exports")
def run(
    values: dict[str, Any],
    inputs: Inputs,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DIR", help="Default: runs/<name of INPUT>.")
    ] = None,
    config: Annotated[str | None, typer.Option(metavar="NAME|FILE", help="A preset, or a YAML file.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="STAGE.KEY=VALUE", help="Any setting (see configs/base.yaml).")
    ] = None,
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
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Turn a video or images into a trajectory and a point cloud."""
    import time

    from ..settings import load_settings
    from ..stopwatch import Stopwatch

    watch = Stopwatch(cpu_before=time.process_time())
    settings = load_settings(config, assignments or (), values)
    _check_formats(exports or ())
    if json and not only_list:
        raise SettingsError("--json goes with --list: give both, or leave it out")
    if only_list:
        return _list(inputs, settings, verbose, json)
    out = out or default_out(inputs)
    beside = page_beside(out, quiet) if view else nullcontext()
    with console(verbose, quiet), stoppable(f"what was placed until then is in {out}"):
        with beside:
            directory = _reconstruct(inputs, out, settings, watch, quiet, overwrite, with_changes)
        _tell_result(directory, allow_empty, quiet)
        _export(directory, exports or (), quiet)


def _check_formats(formats: Iterable[str]) -> None:
    """Raises ExportError for one that there is not, before the run."""
    from ..export.exporting import find_format

    for format in formats:
        find_format(format)


def _reconstruct(
    inputs: list[str], out: Path, settings: Settings, watch: Stopwatch, quiet: bool, overwrite: bool, with_changes: bool
) -> Path:
    """The run directory, made."""
    from .. import pipeline
    from ..predictors.model_choice import choose_model

    chosen = choose_model(settings.model)
    say(f"model: {chosen}; run directory: {out}", quiet)
    return pipeline.run(
        inputs[0] if len(inputs) == 1 else inputs,
        out,
        settings,
        model=chosen,
        watch=watch,
        progress=not quiet,
        overwrite=overwrite,
        with_changes=with_changes,
    )


def _tell_result(directory: Path, allow_empty: bool, quiet: bool) -> None:
    """What came out; nothing ends the command, with a status of its own, unless that is allowed."""
    from ..report import info
    from ..report.lines import result_lines, why_nothing_was_placed

    facts = info(directory)
    say("\n".join(result_lines(facts)), quiet)
    nothing = why_nothing_was_placed(facts)
    if nothing is not None and not allow_empty:
        fail(f"{nothing} (--allow-empty: end with status 0 all the same)", EMPTY)


def _export(directory: Path, formats: Iterable[str], quiet: bool) -> None:
    from ..export.exporting import export_run

    for format in formats:
        result = export_run(directory, format, overwrite=True, progress=not quiet)
        say(f"{result.path}: {result.summary}", quiet)


def _list(inputs: list[str], settings: Settings, verbose: bool, json: bool) -> None:
    """Tell what an input holds."""
    from ..frames import listing, listing_text, open_source
    from ..store.files import json_page

    with console(verbose):
        source = open_source(inputs[0] if len(inputs) == 1 else inputs, settings.frames, camera=settings.camera)
        facts = listing(source)
    typer.echo(json_page(facts).rstrip() if json else listing_text(facts))
