"""The command `view`: one line with the address, an orderly end, and a sentence where it cannot begin."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from typer.testing import CliRunner

from da3_stream.cli.app import app
from da3_stream.cli.view import page_beside
from da3_stream.errors import StoreError, WebError
from da3_stream.store import create_run
from da3_stream.viewer import serving as serving_module
from da3_stream.viewer.serving import serve_until_stopped, view_server
from tests.signals import heard


def state(link):
    with urllib.request.urlopen(f"{link.strip()}state", timeout=10) as answer:
        return json.loads(answer.read())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_line_and_ends_in_order(street, number):
    words = [sys.executable, "-m", "da3_stream", "view", str(street.path), "--port", "0", "--no-open"]
    with (
        heard(signal.SIGINT),
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        link = process.stdout.readline()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", link)
        assert state(link)["frames"] == 28
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.slow
def test_the_page_beside_a_run_waits_for_it_and_ends_with_it(tmp_path, capfd):
    with page_beside(tmp_path / "run", quiet=False):
        told = ""
        while "\n" not in told:
            time.sleep(0.1)
            told += capfd.readouterr().out
        assert state(told)["run"]["state"] == "waiting"
        create_run(tmp_path / "run")
    assert "the page has ended with the run; da3-stream view" in capfd.readouterr().out
    with pytest.raises(OSError, match=r"refused|reset"):
        state(told)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (["{absent}"], StoreError, "there is no run directory .*--wait"),
        (["{empty}"], StoreError, "is not a run directory"),
        (["{file}", "--wait"], StoreError, "is a file"),
        (["{run}", "--port", "{taken}"], WebError, "cannot listen on 127.0.0.1, port .* in use"),
        (["{run}", "--port", "70000"], WebError, "port 70000"),
        (["{run}", "--host", "no.such.host.invalid"], WebError, "is no address of this machine"),
    ],
)
def test_what_cannot_be_shown_or_listened_to_is_told_in_one_sentence(street, tmp_path, words, error, sentence):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other:
        places = {"absent": tmp_path / "absent", "empty": tmp_path / "empty", "file": tmp_path / "file"}
        names = places | {"run": street.path, "taken": other.getsockname()[1]}
        result = CliRunner().invoke(app, ["view", *(word.format(**names) for word in words), "--no-open"])
    assert isinstance(result.exception, error)
    assert re.search(sentence, str(result.exception))
    assert "\n" not in str(result.exception)


def test_the_usual_port_gives_way_where_it_is_taken(street):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with view_server(street.path, ports=(taken, 0)) as server:
            assert server.port not in (0, taken)


@pytest.mark.parametrize(
    ("host", "screen", "opens"), [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("0.0.0.0", True, False)]
)
def test_a_browser_is_opened_on_this_machine_only(street, monkeypatch, host, screen, opens):
    class Told:
        address, link = host, "http://somewhere/"

        def serve_forever(self, poll_interval):
            assert poll_interval >= 600  # it does not wake up for nothing

    opened, told = [], []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(serving_module, "_has_screen", lambda: screen)
    serve_until_stopped(Told(), told.append, browser=True)
    assert told == ["http://somewhere/"]
    assert opened == (["http://somewhere/"] if opens else [])
