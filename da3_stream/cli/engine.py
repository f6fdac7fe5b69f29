"""The options that say where windows are predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import SettingsError

if TYPE_CHECKING:
    from ..predictors.engine import Engine

PANEL = "Where windows are predicted"
EngineName = Annotated[
    Literal["local", "ray"],
    typer.Option("--engine", help="In this process, or by actors of Ray; the run is the same.", rich_help_panel=PANEL),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="HOST:PORT|auto",
        help="Of Ray's cluster; default: one that is started here for the run.",
        rich_help_panel=PANEL,
    ),
]
Actors = Annotated[
    int | None,
    typer.Option(
        "--actors", min=1, metavar="N", help="Default: one for each GPU, or for each machine.", rich_help_panel=PANEL
    ),
]
DecodeInActors = Annotated[
    bool,
    typer.Option(
        "--decode-in-actors",
        help="Send no pictures: actors decode them from the input's files, which all machines see.",
        rich_help_panel=PANEL,
    ),
]


def choose_engine(engine: str, address: str | None, actors: int | None, decode_in_actors: bool = False) -> Engine:
    """The engine of these options. Raises SettingsError for those that do not go with it."""
    if engine == "local":
        from ..predictors.engine import LocalEngine

        if address is not None or actors is not None or decode_in_actors:
            options = "--address, --actors and --decode-in-actors"
            raise SettingsError(f"{options} go with --engine ray: give that, too, or leave them out")
        return LocalEngine()
    from ..distributed import RayEngine

    return RayEngine(address, actors, decode_in_actors=decode_in_actors)
