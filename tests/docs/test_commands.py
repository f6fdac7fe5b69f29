"""Every `da3-stream` command in README and docs/ is one that the program takes."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.main import get_command

from da3_stream.cli.app import app
from da3_stream.export.exporting import _checked_options, find_format, read_options
from da3_stream.settings import load_settings
from tests.docs.commands import Shown, shown_commands
from tests.docs.pages import pages

COMMANDS = shown_commands()
CHEAP = [command for command in COMMANDS if command.words[-1] == "--help" or command.words == ("weights", "list")]


def parsed(words: tuple[str, ...]) -> dict[str, Any]:
    """The parameters of a command line, by the program's own parser, which runs nothing."""
    group = get_command(app)
    context = typer.Context(group, info_name="da3-stream")
    name, command, rest = group.resolve_command(context, list(words))
    while hasattr(command, "commands"):
        context = typer.Context(command, info_name=name, parent=context)
        name, command, rest = command.resolve_command(context, rest)
    with command.make_context(name, list(rest), parent=context) as made:
        return {"command": name, **made.params}


def test_pages_show_commands() -> None:
    assert len(COMMANDS) > 60
    assert {"run", "export", "info", "eval", "align", "demo", "weights"} <= {command.words[0] for command in COMMANDS}


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in COMMANDS if "--help" not in c.words], ids=str)
def test_a_command_that_a_page_shows_is_understood(command: Shown) -> None:
    if len(command.words) == 1 and command.words[0] != "demo":
        group = get_command(app)  # a sentence about the command, or an option before commands
        assert command.words[0] in {*group.commands, *(name for given in group.params for name in given.opts)}
        return
    given = parsed(command.words)
    if given["command"] == "run":
        settings = {name: value for name, value in given.items() if name in ("config", "assignments")}
        load_settings(settings["config"], settings["assignments"] or ())
        for name in given["exports"] or ():
            find_format(name)
    if command.words[0] == "export":
        check_export(given)


def check_export(given: dict[str, Any]) -> None:
    """The format is there and has the options."""
    format = find_format(given["format"])
    own = {key: value for key, value in given.items() if key in format.options.model_fields and value is not None}
    shared = {"command", "run_dir", "format", "out", "assignments", "overwrite", "verbose", "quiet", "json_log"}
    foreign = {key for key, value in given.items() if value is not None} - set(own) - shared
    assert not foreign, f"{given['format']} has no option {foreign}"
    _checked_options(given["format"], format, read_options(own, given["assignments"] or ()))


@pytest.mark.slow
@pytest.mark.parametrize("command", CHEAP, ids=str)
def test_a_command_that_costs_nothing_runs(command: Shown) -> None:
    done = subprocess.run([sys.executable, "-m", "da3_stream", *command.words], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip(), done.stderr


@pytest.mark.parametrize("command", ["run", "batch", "export", "view", "info", "eval", "align", "demo", "doctor"])
def test_every_option_is_told_in_a_page(command: str) -> None:
    told = "".join(page.read_text() for page in pages())
    options = {name for given in get_command(app).commands[command].params for name in given.opts if name[:2] == "--"}
    assert not {name for name in options if not re.search(rf"{name}(?![\w-])", told)}
