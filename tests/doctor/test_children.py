"""What crashes, hangs or fails in a process of its own is told, and costs the others nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from da3_stream.doctor.children import ask, import_errors

MODULES = {
    "da3_good": "print('a library that talks')",
    "da3_crashes": "import os; os.abort()",
    "da3_hangs": "import time; time.sleep(60)",
    "da3_fails": "raise RuntimeError('built for\\n another machine')",
    "da3_exits": "raise SystemExit('no licence')",
    "da3_leaves": "import os; os._exit(7)",
}


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in MODULES.items():
        (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")


def test_one_bad_import_costs_those_behind_it_nothing() -> None:
    names = ["da3_crashes", "da3_fails", "json", "da3_leaves", "da3_exits", "da3_good", "da3_is_not_there"]
    assert import_errors(names, limit_s=30) == {
        "da3_crashes": "it crashes the process (SIGABRT)",
        "da3_fails": "RuntimeError: built for another machine",
        "json": None,
        "da3_leaves": "it ends the process with status 7",
        "da3_exits": "SystemExit: no licence",
        "da3_good": None,
        "da3_is_not_there": "ModuleNotFoundError: No module named 'da3_is_not_there'",
    }


@pytest.mark.slow
def test_an_import_that_hangs_is_given_up() -> None:
    assert import_errors(["da3_hangs"], limit_s=0.5) == {"da3_hangs": "it had not ended after 0.5 s"}


def test_answers_are_what_is_said_and_nothing_that_is_printed() -> None:
    ended = ask("import da3_good\nsay(a=1)\nsay(b=sys.argv[1])", "x y", limit_s=30)
    assert (ended.answers, ended.error) == (({"a": 1}, {"b": "x y"}), None)


def test_what_was_said_before_the_end_is_kept() -> None:
    ended = ask("say(a=1)\nimport da3_fails", limit_s=30)
    assert ended.answers == ({"a": 1},) and ended.error == "another machine"


def test_what_lies_about_hides_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "da3_good.py").write_text("raise ImportError('of another program')")
    monkeypatch.chdir(tmp_path / "here")
    assert import_errors(["da3_good", "da3_stream"], limit_s=30) == {"da3_good": None, "da3_stream": None}
