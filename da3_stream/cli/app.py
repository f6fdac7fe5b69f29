"""The commands of `da3-stream` in the order that its help tells them, and how it ends."""

from __future__ import annotations

import io
import sys

import typer

from .arguments import Version
from .batch import EXAMPLES as BATCH_EXAMPLES
from .batch import batch
from .console import ExportCommand
from .demo import demo
from .doctor import doctor
from .ending import ending, fail
from .evaluate import evaluate
from .export import align, export
from .info import info
from .predict import EXAMPLES as PREDICT_EXAMPLES
from .predict import predict
from .run import EXAMPLES, run
from .view import view
from .weights import weights_app

RECONSTRUCT, LOOK, MACHINE = "Reconstruct", "Look, compare, pass on", "This machine"

app = typer.Typer(
    name="da3-stream",
    help="Long video to camera trajectory and coloured point cloud, on one small GPU or a CPU.",
    epilog="First steps: 'da3-stream doctor', 'da3-stream demo', 'da3-stream run drive.mp4 -o runs/drive'.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(version: Version = False) -> None:
    """What goes before a command."""


app.command(rich_help_panel=RECONSTRUCT, epilog=EXAMPLES)(run)
app.command(rich_help_panel=RECONSTRUCT, epilog=BATCH_EXAMPLES)(batch)
app.command(rich_help_panel=RECONSTRUCT, epilog=PREDICT_EXAMPLES)(predict)
app.command(rich_help_panel=RECONSTRUCT)(demo)
app.command(rich_help_panel=LOOK)(view)
app.command(rich_help_panel=LOOK)(info)
app.command(rich_help_panel=LOOK, cls=ExportCommand)(export)
app.command(rich_help_panel=LOOK, name="eval")(evaluate)
app.command(rich_help_panel=LOOK)(align)
app.command(rich_help_panel=MACHINE)(doctor)
app.add_typer(weights_app, rich_help_panel=MACHINE)


def main() -> None:
    """The command `da3-stream`: exit status 2 for what the user can cure, 1 for a run that broke off or a bug, 3 for a
    run that could place nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # of a terminal that has not all signs
    try:
        app(prog_name="da3-stream")
    except Exception as error:
        end = ending(error)
        fail(end.message, end.status)
