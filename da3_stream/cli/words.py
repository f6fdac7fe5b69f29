"""Options of `run` as words, for runs that another command starts: written from what it was given, and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from ..errors import SettingsError
from .exports import check_formats
from .options.run import RUN

if TYPE_CHECKING:
    from ..settings import Settings

COMMON = {"config": "--config", "assignments": "--set", "exports": "--export"}
FLAGS = {"with_changes": "--resume-with-changes", "allow_empty": "--allow-empty"}
OF_ONE = {  # for a run by itself
    "out": "--out",
    "work": "--work",
    "overwrite": "--overwrite",
    "only_list": "--list",
    "json": "--json",
    "view": "--view",
    "address": "--address",
    "actors": "--actors",
    "log_to": "--json-log",
    "verbose": "--verbose",
    "quiet": "--quiet",
}


def words_of(given: Mapping[str, Any]) -> list[str]:
    """The options of `run` among the parameters of a command that has them by the same names."""
    names = {option.name: f"--{option.name.replace('_', '-')}" for option in RUN} | COMMON
    words = [word for name, option in names.items() for word in _words(option, given.get(name))]
    return [*words, *(flag for name, flag in FLAGS.items() if given.get(name))]


def _words(option: str, value: Any) -> Iterator[str]:
    values = value if isinstance(value, list | tuple) else () if value is None else (value,)
    for one in values:
        yield option if one is True else f"{option}={one}"


def options_of_run(words: Sequence[str]) -> Settings:
    """The settings that options of `run` ask for, read by that command's own parser.

    Raises SettingsError with one sentence for words that are no such options, and for those that only a run by itself
    can have; ExportError for a format that there is not.
    """
    from typer.exceptions import TyperException
    from typer.main import get_command

    from ..settings import load_settings
    from .run import run

    alone = typer.Typer(add_completion=False)
    alone.command(context_settings={"help_option_names": []})(run)
    try:
        with get_command(alone).make_context("run", [*words, "INPUT"]) as context:
            given = dict(context.params)
    except TyperException as error:
        raise SettingsError(f"no options of 'da3-stream run': {error}") from None
    if given["inputs"] != ["INPUT"]:
        raise SettingsError(f"'{given['inputs'][0]}' is no option of 'da3-stream run'")
    own = [option for name, option in OF_ONE.items() if given[name]]
    own += ["--engine"] if given["engine"] != "local" else []
    if own:
        raise SettingsError(f"{own[0]} is for a run by itself: leave it out")
    check_formats(given["exports"] or ())
    values = {option.target: option.value(given[option.name]) for option in RUN}
    return load_settings(given["config"], given["assignments"] or (), values)
