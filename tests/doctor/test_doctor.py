"""The command `doctor`: exit status, text, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from da3_stream.cli import app
from da3_stream.doctor import examination
from da3_stream.doctor.finding import Finding, State

GROUPS = {
    "versions": {"da3_stream", "python"},
    "machine": {"cores", "instructions", "memory", "gpu", "disk"},
    "models": {"model"},
    "surroundings": {"decoders", "proj_grid", "locale", "terminal"},
}


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable:
    """(exit status, output) without the libraries; packages are found as given."""

    def doctor(*words: str, packages: tuple[Finding, ...] = ()) -> tuple[int, str]:
        def find(self: object, limit_s: float) -> Finding:
            return Finding(self.name, "as asked")  # type: ignore[attr-defined]

        monkeypatch.setattr("da3_stream.doctor.probes.Probe.find", find)
        monkeypatch.setattr(examination, "find_packages", lambda _: iter(packages))
        result = CliRunner().invoke(app, ["doctor", "--runs", str(tmp_path), *words])
        return result.exit_code, result.output

    return doctor


def test_json_has_stable_names(doctor: Callable) -> None:
    status, output = doctor("--json")
    told = json.loads(output)
    assert status == 0 and told["ok"] is True
    assert set(told) == {"ok", "seconds", "versions", "executable", "checks"}
    assert {group: set(of) for group, of in told["checks"].items() if group != "packages"} == GROUPS
    for check in (check for of in told["checks"].values() for check in of.values()):
        assert set(check) == {"name", "text", "state", "advice", "command", "facts"}
        assert check["state"] in ("ok", "note", "warning", "broken")


def test_something_broken_ends_with_1_and_is_named_with_its_cure(doctor: Callable) -> None:
    broken = Finding("av", "it crashes the process (SIGSEGV)", State.BROKEN, "videos need it", "pip install av")
    status, output = doctor(packages=(broken, Finding("pye57", "not installed", State.NOTE)))
    assert status == 1 and "Runs are not possible until this is mended: av (looked at in" in output
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "broken av it crashes the process (SIGSEGV): videos need it" in lines and "pip install av" in lines
    assert not any(line.endswith(" ") for line in output.splitlines())
    assert json.loads(doctor("--json", packages=(broken,))[1])["ok"] is False


@pytest.mark.slow
def test_this_machine_is_looked_at(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", "--runs", str(tmp_path), "--json"])
    checks = json.loads(result.stdout)["checks"]
    assert result.exit_code == 0
    assert {check["state"] for check in checks["packages"].values() if check["facts"].get("needed")} == {"ok"}
    assert checks["models"]["model"]["facts"]["name"]
