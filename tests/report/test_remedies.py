"""What each code means, and what helps."""

from __future__ import annotations

from da3_stream.cli.app import app
from da3_stream.report.remedies import REMEDIES, anchor
from da3_stream.types import AdviceCode


def test_every_code_has_a_cause_and_a_cure_in_whole_sentences() -> None:
    assert list(REMEDIES) == list(AdviceCode)
    for remedy in REMEDIES.values():
        assert remedy.cause.endswith(".") and remedy.help.endswith(".") and not remedy.title.endswith(".")


def test_the_options_that_help_are_there() -> None:
    import typer

    run = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    known = {name for parameter in run.params for name in parameter.opts}
    named = {
        word for remedy in REMEDIES.values() for text in remedy.options for word in text.split() if word[:2] == "--"
    }
    assert named <= known and "--camera-height" in named


def test_the_documentation_has_a_place_for_every_code() -> None:
    assert anchor(AdviceCode.TURNING) == "docs/when-it-goes-wrong.md#turning"
