"""Options and calls, no logic; heavy imports only inside commands. Only `main` catches errors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .cli_options import EXPORT, RUN, with_options
from .console import ExportCommand, console, default_out, fail, say, stoppable
from .errors import Da3StreamError, RunError, SettingsError

if TYPE_CHECKING:
    from .settings import Settings

app = typer.Typer(
    name="da3-stream",
    help="Long video to camera trajectory and coloured point cloud, on one small GPU or a CPU.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
weights_app = typer.Typer(name="weights", help="Which models there are, and fetching them.", no_args_is_help=True)
app.add_typer(weights_app)

EMPTY = 3  # exit status of a run in which no frame could be placed

Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Tell every step, and tracebacks.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress bar, errors only.")]
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
RunDir = Annotated[Path, typer.Argument(metavar="DIR", help="A run directory.")]


@app.command()
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
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Turn a video or images into a trajectory and a point cloud."""
    import time

    from . import pipeline
    from .export.exporting import export_run, find_format
    from .predictors.model_choice import choose_model
    from .report import info
    from .report.lines import result_lines, why_nothing_was_placed
    from .settings import load_settings
    from .stopwatch import Stopwatch

    watch = Stopwatch(cpu_before=time.process_time())
    settings = load_settings(config, assignments or (), values)
    for format in exports or ():
        find_format(format)
    if json and not only_list:
        raise SettingsError("--json goes with --list: give both, or leave it out")
    if only_list:
        return _list(inputs, settings, verbose, json)
    out = out or default_out(inputs)
    with console(verbose, quiet), stoppable(f"what was placed until then is in {out}"):
        chosen = choose_model(settings.model)
        say(f"model: {chosen}; run directory: {out}", quiet)
        source = inputs[0] if len(inputs) == 1 else inputs
        directory = pipeline.run(
            source,
            out,
            settings,
            model=chosen,
            watch=watch,
            progress=not quiet,
            overwrite=overwrite,
            with_changes=with_changes,
        )
        facts = info(directory)
        say("\n".join(result_lines(facts)), quiet)
        nothing = why_nothing_was_placed(facts)
        if nothing is not None and not allow_empty:
            fail(f"{nothing} (--allow-empty: end with status 0 all the same)", EMPTY)
        for format in exports or ():
            result = export_run(directory, format, overwrite=True, progress=not quiet)
            say(f"{result.path}: {result.summary}", quiet)


def _list(inputs: list[str], settings: Settings, verbose: bool, json: bool) -> None:
    """Tell what an input holds."""
    from .frames import listing, listing_text, open_source
    from .store.files import json_page

    with console(verbose):
        source = open_source(inputs[0] if len(inputs) == 1 else inputs, settings.frames, camera=settings.camera)
        facts = listing(source)
    typer.echo(json_page(facts).rstrip() if json else listing_text(facts))


@app.command(name="eval")
def evaluate(
    run_dir: RunDir,
    groundtruth: Annotated[Path, typer.Option(metavar="FILE", help="True trajectory.")],
    format: Annotated[Literal["kitti", "tum"] | None, typer.Option(help="Default: told from the file.")] = None,
    align: Annotated[
        Literal["sim3", "se3", "none"], typer.Option(help="What may be fitted before comparing.")
    ] = "sim3",
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: DIR/evaluation.json.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: DIR/evaluation.png.")] = None,
    depth_groundtruth: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="True depth maps, %06d.npy by source frame.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Rate of images without times, for a TUM truth.")] = None,
    verbose: Verbose = False,
) -> None:
    """Compare a run with its ground truth."""
    from .evaluation import evaluate, summary
    from .store.files import json_page, write_text

    plot = plot or run_dir / "evaluation.png"
    with console(verbose):
        result = evaluate(
            run_dir, groundtruth, format=format, align=align, fps=fps, depth_groundtruth=depth_groundtruth, plot=plot
        )
        write_text(json or run_dir / "evaluation.json", json_page(result))
    typer.echo(summary(result))


@app.command(cls=ExportCommand)
@with_options(EXPORT, before="assignments")
def export(
    values: dict[str, Any],
    run_dir: RunDir,
    format: Annotated[str, typer.Option(help="One of the formats below.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="PATH", help="Default: a name in DIR/export.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="OPTION=VALUE", help="Any other option of the format.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Write a run in a format of other tools, also while it is still going.

    A folder of files that was interrupted goes on where it stopped when the same command is given again.
    """
    from .export.exporting import export_run, find_format, read_options

    left = "the same command goes on where it stopped" if find_format(format).goes_on else "nothing was written"
    with console(verbose, quiet), stoppable(left):
        options = read_options(values, assignments or ())
        result = export_run(run_dir, format, out, options, overwrite=overwrite, progress=not quiet)
    typer.echo(f"{result.path}: {result.summary}")


@app.command()
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
    from .export.align.aligning import align_ply, matrix_text

    with console(verbose), stoppable("nothing was written"):
        result = align_ply(source, out, up=up, crop=crop, run=run_dir, overwrite=overwrite)
    typer.echo(f"{result.path}: {result.summary}\n{matrix_text(result.matrix).rstrip()}")


@app.command()
def info(
    run_dir: RunDir,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    verbose: Verbose = False,
) -> None:
    """Tell what was done, with which settings, and how it went."""
    from .report import info
    from .report.lines import info_text
    from .store.files import json_page

    with console(verbose):
        facts = info(run_dir)
    typer.echo(json_page(facts).rstrip() if json else info_text(facts))


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Where the town and its run go.")] = Path(
        "runs/demo"
    ),
    frames: Annotated[int, typer.Option(help="Length of the drive.")] = 300,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Drive round a synthetic town, reconstruct it, and compare with the truth; no download."""
    from .demo import run_demo
    from .report import info
    from .report.lines import result_lines

    with console(verbose, quiet), stoppable(f"what was placed until then is in {out / 'run'}"):
        result = run_demo(out, frames, progress=not quiet)
        say("\n".join(result_lines(info(result.run))), quiet)
        typer.echo(result.summary())


@weights_app.command(name="list")
def list_weights() -> None:
    """List the models, their licences and sizes."""
    from .models.manifest import weights_text

    typer.echo(weights_text())


@weights_app.command(name="fetch")
def fetch_weights(name: Annotated[str, typer.Argument(help="A name of 'weights list'.")]) -> None:
    """Bring a model's weights into the hub's cache on this machine, and verify them; run again, it goes on."""
    from .models.manifest import fetch, find_model

    model = find_model(name)
    if model.licence_note:
        typer.echo(model.licence_note)
    typer.echo(f"{name} is in {fetch(model)}")


@weights_app.command(name="verify")
def verify_weights(name: Annotated[str, typer.Argument(help="A name of 'weights list'.")]) -> None:
    """Hash a model's weights on this machine and compare."""
    from .models.manifest import find_model, verify

    typer.echo(f"{name} is whole, sha256 {verify(find_model(name))}")


def main() -> None:
    """The command `da3-stream`: exit status 2 for what the user can cure, 1 for a run that broke off or a bug, 3 for a
    run that could place nothing."""
    try:
        app(prog_name="da3-stream")
    except RunError as error:
        fail(error, 1)
    except Da3StreamError as error:
        fail(error, 2)
    except Exception as error:
        fail(f"{type(error).__name__}: {' '.join(str(error).split())} (this is a bug: -v shows where)", 1)
