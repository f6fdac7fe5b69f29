"""Options that only pass a value on: one row each, and nothing more to be written elsewhere."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any

import typer


@dataclass(frozen=True)
class Option:
    """An option of the command line, and the setting (`stage.key`) or the export's option that its value is for."""

    name: str
    target: str
    type: Any
    help: str
    metavar: str | None = None
    before: str = ""  # the parameter of the command that the help tells next, if not the table's
    read: Callable[[Any], Any] | None = None  # makes the value from the text, or texts
    panel: str | None = None  # of the help
    complete: Callable[[str], list[str]] | None = None  # what the shell offers

    def parameter(self) -> inspect.Parameter:
        """As typer reads it from a function; None where the option is not given."""
        info = typer.Option(
            f"--{self.name.replace('_', '-')}",
            metavar=self.metavar,
            help=self.help,
            rich_help_panel=self.panel,
            autocompletion=self.complete,
        )
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Parameter(self.name, kind, default=None, annotation=Annotated[self.type | None, info])

    def value(self, given: Any) -> Any:
        """What the target gets."""
        return given if given is None or self.read is None else self.read(given)


def with_options(table: Sequence[Option], before: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options of a table to a command, `before` one of its own parameters; their values come as `values`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:
            values = {option.target: option.value(given.pop(option.name)) for option in table}
            command(**given, values=values)

        run.__signature__ = inspect.Signature(list(parameters(command)))  # type: ignore[attr-defined]
        return run

    def parameters(command: Callable[..., None]) -> Iterator[inspect.Parameter]:
        for name, own in inspect.signature(command, eval_str=True).parameters.items():
            yield from (option.parameter() for option in table if (option.before or before) == name)
            if name != "values":
                yield own

    return decorate
