"""The commands `weights list`, `weights fetch`, `weights verify` and `weights export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ModelError
from .arguments import Verbose
from .console import console, stoppable
from .options import completion

Name = Annotated[str, typer.Argument(help="A name of 'weights list'.", autocompletion=completion.weights)]

weights_app = typer.Typer(name="weights", help="Which models there are, and fetching them.", no_args_is_help=True)


@weights_app.command(name="list")
def list_weights() -> None:
    """List the models, their licences and sizes."""
    from ..models.manifest import weights_text

    typer.echo(weights_text())


@weights_app.command(name="fetch")
def fetch_weights(name: Name) -> None:
    """Bring a model's weights into the hub's cache on this machine, and verify them; run again, it goes on."""
    from ..models.manifest import fetch, find_model

    model = find_model(name)
    if model.licence_note:
        typer.echo(model.licence_note)
    typer.echo(f"{name} is in {fetch(model)}")


@weights_app.command(name="verify")
def verify_weights(name: Name) -> None:
    """Hash a model's weights on this machine and compare."""
    from ..models.manifest import find_model, verify

    typer.echo(f"{name} is whole, sha256 {verify(find_model(name))}")


@weights_app.command(name="export")
def export_weights(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of 'weights list', or a folder with a checkpoint.", autocompletion=completion.weights
        ),
    ],
    format: Annotated[str, typer.Option(metavar="onnx", help="The only one: a graph with its weights.")] = "onnx",
    out: Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE", help="Default: NAME.onnx.")] = None,
    views: Annotated[
        int | None, typer.Option(metavar="N", help="Pictures of one scene that the graph takes, for models with poses.")
    ] = None,
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Of pictures, multiples of 14.")] = "504x378",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    verbose: Verbose = False,
) -> None:
    """Write a model as a file for onnxruntime, which must say the same as torch."""
    from ..da3.onnx import export_onnx

    if format != "onnx":
        raise ModelError(f"weights are exported as onnx, not as {format}")
    with console(verbose), stoppable("nothing was written"):
        typer.echo(str(export_onnx(name, out, views=views, size=_size(size), overwrite=overwrite)))


def _size(text: str) -> tuple[int, int]:
    """Height and width of WIDTHxHEIGHT."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ModelError(f"--size is WIDTHxHEIGHT in pixels, such as 504x378, not {text!r}")
    return int(height), int(width)
