"""What a shell gets that completes da3-stream, and what stands before the commands."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from da3_stream.cli.options import completion
from da3_stream.settings.presets import preset_names

ROOT = Path(__file__).parents[2]
Complete = Callable[..., list[str]]


@pytest.fixture
def complete(call: Callable, monkeypatch: pytest.MonkeyPatch) -> Complete:
    """What bash is offered for the last of some words."""

    def complete(*words: str) -> list[str]:
        monkeypatch.setenv("_DA3_STREAM_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["da3-stream", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        return call()[1].split()

    return complete


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_its_script(call: Callable, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_DA3_STREAM_COMPLETE", f"source_{shell}")
    status, script, _ = call()
    assert status == 0 and "da3-stream" in script and f"complete_{shell}" in script
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=script, text=True).returncode == 0


def test_commands_and_options_are_completed(complete: Complete) -> None:
    assert complete("ex") == ["export"]
    assert complete("run", "--qual") == ["--quality"]
    assert complete("run", "x.mp4", "--quality", "b") == ["balanced", "best"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("run", "x.mp4", "--config", "da"), ["dashcam"]),
        (("run", "x.mp4", "--model", "sf"), ["sfm"]),
        (("run", "x.mp4", "--device", "cu"), ["cuda"]),
        (("run", "x.mp4", "--export", "ki"), ["kitti"]),
        (("export", "runs/x", "--format", "ki"), ["kitti"]),
        (("weights", "fetch", "da3-sm"), ["da3-small"]),
    ],
)
def test_names_that_the_package_knows_are_completed(
    complete: Complete, words: tuple[str, ...], offered: list[str]
) -> None:
    assert complete(*words) == offered


def test_all_names_are_offered_and_no_model_without_poses() -> None:
    from da3_stream.export.formats import FORMATS

    assert completion.presets("") == preset_names()
    assert completion.formats("") == list(FORMATS)
    assert {"auto", "sfm", "da3-base"} <= set(completion.models("")) and "da3mono-large" not in completion.models("")
    assert "da3mono-large" in completion.weights("")


def test_the_version_is_that_of_the_package(call: Callable) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert call("--version") == (0, f"da3-stream {version}\n", "")


def test_the_help_of_run_is_in_groups_with_examples(call: Callable) -> None:
    status, text, _ = call("run", "--help")
    assert status == 0
    for panel in ("Which frames", "The camera", "Model and speed", "Scale and cloud", "Examples:"):
        assert panel in text
    assert text.count("da3-stream run drive.mp4") >= 2


def test_the_examples_of_the_help_are_commands(call: Callable) -> None:
    from da3_stream.cli.console import EXAMPLES as EXPORTS
    from da3_stream.cli.run import EXAMPLES as RUNS
    from da3_stream.export.formats import FORMATS

    for command, examples in (("run", RUNS), ("export", "\n".join(EXPORTS))):
        options = set(re.findall(r"(?<= )--[a-z-]+", examples))
        text = call(command, "--help")[1].partition("Examples:")[0]
        assert options and all(option in text for option in options)
        assert set(re.findall(r"--(?:export|format) (\w+)", examples)) <= set(FORMATS)
    assert set(re.findall(r"--config (\w+)", RUNS)) <= set(preset_names())
