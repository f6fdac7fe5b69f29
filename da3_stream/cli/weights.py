"""The commands `weights list`, `weights fetch` and `weights verify`."""

from __future__ import annotations

from typing import Annotated

import typer

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
