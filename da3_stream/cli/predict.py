"""The command `predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .arguments import LogTo, Quiet, Verbose
from .console import console, default_out, say, stoppable
from .ending import fail
from .exports import check_formats, export_formats
from .json_log import is_alone, json_log
from .options import completion
from .options.predict import PREDICT
from .options.table import with_options
from .places import source_of
from .results import EMPTY, tell_result

if TYPE_CHECKING:
    from ..settings import Settings

EXAMPLES = """Examples:

da3-stream predict photo.jpg -o runs/photo --model da3metric-large --hfov-deg 70 --format depth_vis

da3-stream predict photos/ -o runs/photos --model da3-base --format ply --format glb

da3-stream predict scene/images -o runs/scene --model da3-base --cameras scene/sparse/0 --format 3dgs"""

Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT...", help="Pictures, folders or patterns of them, or a short film.")
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Write this into DIR/export, too; may be repeated (see 'export --help').",
        autocompletion=completion.formats,
    ),
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="STAGE.KEY=VALUE", help="Any setting (see configs/predict.yaml).")
]


@with_options(PREDICT, before="formats")
def predict(
    values: dict[str, Any],
    inputs: Inputs,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DIR", help="Default: runs/<name of INPUT>.")
    ] = None,
    formats: Formats = None,
    assignments: Assignments = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run that DIR holds.")] = False,
    with_changes: Annotated[
        bool, typer.Option("--resume-with-changes", help="Go on in DIR with other settings of the map.")
    ] = False,
    log_to: LogTo = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Depth of a picture, or depth and cameras of photos from any side or a short film, in one pass of the network.

    Writes a run directory, for 'view', 'info' and 'export'. What fits into memory no more goes by windows.
    """
    from ..settings import load_settings

    with json_log(log_to, "predict") as told:
        settings, directory = load_settings("predict", assignments or (), values), out or default_out(inputs)
        check_formats(formats or ())
        shown = not quiet and not is_alone(log_to)
        with console(verbose, quiet), stoppable(f"what was computed until then is in {directory}"):
            how = {"overwrite": overwrite, "with_changes": with_changes, "progress": shown, "listener": told.tell}
            nothing = _predict(inputs, directory, settings, quiet, how)
            if nothing is not None:
                fail(nothing, EMPTY)
            export_formats(directory, formats or (), quiet, shown, told.tell)


def _predict(inputs: list[str], out: Path, settings: Settings, quiet: bool, how: dict[str, Any]) -> str | None:
    """Look at the pictures and tell what came out; returns why that is nothing, if so."""
    from ..prediction import plan_prediction, predict
    from ..remote_files import local_copies

    shown, tell, overwrite = how["progress"], how["listener"], how["overwrite"]
    with local_copies(source_of(inputs), out, overwrite=overwrite, shown=shown, listener=tell) as source:
        plan = plan_prediction(source, settings, None if overwrite else out)
        say(f"model: {plan.model}; run directory: {out}", quiet)
        say(f"{plan}", quiet)
        tell("plan", {"pictures": plan.pictures, "window": plan.settings.windows.size, "model": plan.model.name})
        predict(source, out, settings, plan=plan, **how)
    return tell_result(out, quiet, tell, one_is_enough=True)
