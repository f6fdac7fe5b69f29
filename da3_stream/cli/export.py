"""The commands `export` and `align`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .arguments import LogTo, Quiet, RunDir, Verbose
from .console import console, stoppable
from .exports import tell_export
from .json_log import is_alone, json_log
from .options import completion
from .options.export import EXPORT
from .options.table import with_options


@with_options(EXPORT, before="assignments")
def export(
    values: dict[str, Any],
    run_dir: RunDir,
    format: Annotated[str, typer.Option(help="One of the formats below.", autocompletion=completion.formats)],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="PATH", help="Default: a name in DIR/export.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="OPTION=VALUE", help="Any other option of the format.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    log_to: LogTo = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Write a run in a format of other tools, also while it is still going.

    A folder of files that was interrupted goes on where it stopped when the same command is given again.
    """
    from ..export.exporting import export_run, find_format, read_options

    left = "the same command goes on where it stopped" if find_format(format).goes_on else "nothing was written"
    shown = not quiet and not is_alone(log_to)
    with json_log(log_to, "export") as told, console(verbose, quiet), stoppable(left):
        options = read_options(values, assignments or ())
        result = export_run(run_dir, format, out, options, overwrite=overwrite, progress=shown, listener=told.tell)
        tell_export(format, result, told.tell)
    typer.echo(f"{result.path}: {result.summary}")


def align(
    source: Annotated[Path, typer.Argument(metavar="IN.ply", help="Points, a mesh, or Gaussian splats.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT.ply", help="In the same format.")],
    up: Annotated[
        str,
        typer.Option(metavar="auto|X,Y,Z", help="What is up in the file, roughly; auto: by cameras, plane and points."),
    ] = "auto",
    crop: Annotated[
        str | None,
        typer.Option(
            metavar="REGION",
            help="box:X,Y,Z,X,Y,Z or sphere:X,Y,Z,RADIUS in OUT.ply's coordinates; or object: what cameras circle.",
        ),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option("--run", metavar="DIR", help="The run that IN.ply is of; default: the one in which it lies."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.ply.")] = False,
    verbose: Verbose = False,
) -> None:
    """Turn a PLY file such that z is up, and crop it; prints the 4x4 and writes it beside, as OUT.ply.matrix.txt."""
    from ..export.align.aligning import align_ply, matrix_text

    with console(verbose), stoppable("nothing was written"):
        result = align_ply(source, out, up=up, crop=crop, run=run_dir, overwrite=overwrite)
    typer.echo(f"{result.path}: {result.summary}\n{matrix_text(result.matrix).rstrip()}")
