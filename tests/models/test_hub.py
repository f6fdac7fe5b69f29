"""Fetching weights from a hub that may break off, spoil or refuse: at the command line, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from da3_stream.errors import ModelError
from da3_stream.models import hub as hub_module
from tests.models.local_hub import Hub, serving, sha256

WEIGHTS = np.random.default_rng(0).bytes(24 << 20)  # the client writes every 10 MiB
REPO = "depth-anything/DA3-SMALL"
Command = Callable[..., subprocess.Popen]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(
        Hub({f"{REPO}/config.json": b'{"model_name": "da3-small"}', f"{REPO}/model.safetensors": WEIGHTS})
    ) as hub:
        yield hub


@pytest.fixture
def start(hub: Hub, tmp_path: Path) -> Command:
    """A command line that has begun, with an empty cache of its own and this hub."""

    def start(*words: str, **environment: str) -> subprocess.Popen:
        own = {"HF_ENDPOINT": hub.address, "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0"}
        plain = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        path = {"PYTHONPATH": str(Path(__file__).parents[2]), "HF_HOME": str(tmp_path), "COLUMNS": "100"}
        path |= {"TQDM_POSITION": "-1"}  # bars as on a terminal
        return subprocess.Popen(
            [sys.executable, *words],
            env=plain | path | own | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )

    return start


@pytest.fixture
def call(start: Command) -> Call:
    """Exit status, stdout and stderr of a command `da3-stream`."""

    def call(arguments: str, **environment: str) -> tuple[int, str, str]:
        process = start("-m", "da3_stream", *arguments.split(), **environment)
        out, err = process.communicate(timeout=100)
        assert "Traceback" not in err
        return process.returncode, out, err

    return call


def kept(tmp_path: Path) -> list[str]:
    """The files that the cache holds as good."""
    return sorted(path.name for path in (tmp_path / "cache").rglob("snapshots/*/*"))


def sentence(err: str) -> str:
    """The one line that is said, progress bars apart."""
    (line,) = [line for line in err.replace("\r", "\n").splitlines() if line.strip() and "%|" not in line]
    return line


@pytest.mark.slow
def test_a_fetch_shows_a_bar_and_is_verified(hub: Hub, call: Call, tmp_path: Path) -> None:
    status, out, err = call("weights fetch da3-small")
    folder = tmp_path / "cache" / "models--depth-anything--DA3-SMALL" / "snapshots"
    assert status == 0 and out.startswith(f"da3-small is in {folder}")
    assert "DA3-SMALL/model.safetensors: 100%" in err
    assert (folder / ("c" * 40) / "model.safetensors").read_bytes() == WEIGHTS
    assert (folder / ("c" * 40) / "model.safetensors").resolve().name == sha256(WEIGHTS)
    assert call("weights verify da3-small")[:2] == (0, f"da3-small is whole, sha256 {sha256(WEIGHTS)}\n")
    row = next(line for line in call("weights list")[1].splitlines() if line.startswith("da3-small "))
    assert row.split()[-2:] == ["yes", REPO]


@pytest.mark.slow
def test_what_is_there_is_not_fetched_again(hub: Hub, call: Call) -> None:
    call("weights fetch da3-small")
    before = list(hub.asked)
    assert call("weights fetch da3-small")[0] == 0
    assert call("weights fetch da3-small", HF_HUB_OFFLINE="1")[0] == 0
    assert hub.asked == before


@pytest.mark.slow
def test_a_connection_that_breaks_is_taken_up_again(hub: Hub, call: Call, tmp_path: Path) -> None:
    hub.breaks_after = [15 << 20]
    assert call("weights fetch da3-small")[0] == 0
    assert hub.ranges() == [None, f"bytes={10 << 20}-"]
    assert call("weights verify da3-small")[0] == 0


@pytest.mark.slow
def test_a_download_goes_on_after_its_process_was_killed(hub: Hub, start: Command, call: Call, tmp_path: Path) -> None:
    hub.stalls_after = 12 << 20
    process = start("-m", "da3_stream", "weights", "fetch", "da3-small")
    while not [path for path in tmp_path.rglob("*.incomplete") if path.stat().st_size == 10 << 20]:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert call("weights verify da3-small")[0] == 2  # half a model is none
    hub.stalls_after = None
    assert call("weights fetch da3-small")[0] == 0
    assert hub.ranges() == [None, f"bytes={10 << 20}-"]
    assert call("weights verify da3-small")[0] == 0 and not list(tmp_path.rglob("*.incomplete"))


@pytest.mark.slow
def test_two_at_once_load_once(hub: Hub, start: Command) -> None:
    both = [start("-m", "da3_stream", "weights", "fetch", "da3-small") for _ in range(2)]
    assert [process.wait(timeout=100) for process in both] == [0, 0]
    assert hub.ranges() == [None]


@pytest.mark.slow
def test_a_token_is_for_the_hub_alone(hub: Hub, call: Call) -> None:
    assert call("weights fetch da3-small", HF_TOKEN="hf_secret")[0] == 0
    assert any(path.endswith("model.safetensors") for path in hub.authorised)
    assert not any(path.startswith("/stored/") for path in hub.authorised)


@pytest.mark.slow
@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_damaged_download_is_thrown_away(file: str, hub: Hub, call: Call, tmp_path: Path) -> None:
    hub.spoilt = file
    status, _, err = call("weights fetch da3-small")
    assert status == 2 and f"DA3-SMALL/{file} arrived damaged and was thrown away" in sentence(err)
    assert not kept(tmp_path) and not list(tmp_path.rglob("*.incomplete"))
    hub.spoilt = ""
    assert call("weights fetch da3-small")[0] == 0


@pytest.mark.slow
def test_weights_that_spoilt_on_the_disk_are_deleted_and_fetched_again(call: Call, tmp_path: Path) -> None:
    call("weights fetch da3-small")
    (path,) = tmp_path.rglob(f"blobs/{sha256(WEIGHTS)}")
    path.write_bytes(b"spoilt")
    assert f"delete {path} and run 'da3-stream weights fetch da3-small'" in sentence(
        call("weights verify da3-small")[2]
    )
    path.unlink()
    assert call("weights fetch da3-small")[0] == 0 and call("weights verify da3-small")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (403, {"X-Error-Code": "GatedRepo"}, "its terms must be accepted first: do so at http"),
        (404, {"X-Error-Code": "RepoNotFound"}, "DA3-SMALL is not there, or not for everyone"),
        (404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": "c" * 40}, "DA3-SMALL is not there, or not for"),
        (401, {}, "DA3-SMALL is not there, or not for everyone"),
        (503, {}, "answered 503: try again later"),
    ],
)
def test_a_refusal_is_one_sentence(
    status: int, headers: dict[str, str], said: str, hub: Hub, call: Call, tmp_path: Path
) -> None:
    hub.refusal = (status, headers)
    code, out, err = call("weights fetch da3-small")
    assert code == 2 and not out
    assert sentence(err).startswith("error: depth-anything/DA3-SMALL could not be fetched: ") and said in err
    assert not kept(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "no connection to http://127.0.0.1:9 ("),
        ({"HF_ENDPOINT": "http://nowhere.invalid"}, "no connection to http://nowhere.invalid ("),
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE forbids it: unset it"),
        ({"HF_ENDPOINT": "nonsense"}, "no connection to nonsense ("),
    ],
)
def test_without_a_network_one_sentence_says_so(environment: dict[str, str], said: str, call: Call) -> None:
    code, _, err = call("weights fetch da3-small", **environment)
    assert code == 2 and said in sentence(err)


@pytest.mark.slow
def test_a_licence_that_is_not_free_is_said_once(call: Call) -> None:
    _, out, err = call("weights fetch da3-large", HF_HUB_OFFLINE="1")
    assert (out + err).count("no commercial use") == 1


@pytest.mark.slow
def test_a_name_fetches_from_python_too(hub: Hub, start: Command) -> None:
    code = "from da3_stream import DepthAnything3; DepthAnything3.from_pretrained('da3-small', 'cpu')"
    _, err = start("-c", code).communicate(timeout=100)
    assert "DA3-SMALL/model.safetensors: 100%" in err and "ModelError" in err  # random bytes are no checkpoint
    assert "no whole safetensors file" in err


@pytest.mark.slow
def test_a_disk_that_is_too_small_is_said_before(hub: Hub, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"DA3-GIANT needs 1000000000.00 GB more, and / has .* GB free: make room"):
        hub_module._require_room(10**18, Path("/"), "DA3-GIANT")
