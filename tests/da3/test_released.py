"""The largest released architectures, at full size: a billion made-up weights, one network in memory at a time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from da3_stream.da3 import Network
from da3_stream.da3.config import NestedConfig, named_config
from tests.da3.conftest import Generated, stored_shapes
from tests.da3.test_network_parity import first_difference
from tests.da3.test_tensors import RELEASED

NEEDED_GB = 10  # the giant model was measured at a peak of 5 GiB, other tests run beside it
MOST_MIB = 200
TINY = ("tiny", "tinyg", "tinygs", "tinymono", "tinynested", "tinynestedgs")

LOADING = """
import json, sys
import torch

def memory(key):
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) / 1024

before = memory("VmRSS")
from da3_stream.da3 import Network
from da3_stream.da3.config import NestedConfig, named_config

for path in sys.argv[1:]:
    tensors = json.load(open(path))["tensors"]
    stored = {key: entry["shape"] for key, entry in tensors.items() if "alias_of" not in entry}
    name = path.rsplit("/")[-1].removesuffix(".json")
    Network.from_config(name).load_tensors({key: torch.empty(shape, device="meta") for key, shape in stored.items()})
    print(json.dumps([name, memory("VmHWM") - before]))
"""


@pytest.mark.slow
def test_every_released_network_is_built_in_little_memory(manifests: Path) -> None:
    """All in one process, so that what one leaves behind counts for the next; beyond `import torch`."""
    paths = [str(manifests / f"{name}.json") for name in RELEASED]
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", LOADING, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    taken = dict(json.loads(line) for line in done.stdout.splitlines())
    assert list(taken) == RELEASED
    assert max(taken.values()) <= MOST_MIB, taken


@pytest.fixture
def roomy() -> None:
    """Skips where the largest networks might not fit."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) / 1e6
    if free < NEEDED_GB:
        pytest.skip(f"{free:.0f} GB of memory are free, the largest networks want {NEEDED_GB}")


@pytest.mark.slow
@pytest.mark.usefixtures("roomy")
def test_every_stage_of_the_largest_networks_agrees(
    goldens: Path, new_network: Callable[[str], Network], recipe: ModuleType
) -> None:
    """One after the other in one test: side by side they would fill 16 GB."""
    names = ("da3-giant_n3", "da3metric-large_n2")
    found = {name: first_difference(new_network(name.split("_")[0]), name, goldens, recipe) for name in names}
    assert found == dict.fromkeys(names)


def test_the_nested_model_is_those_two_joined() -> None:
    """Whose join small nested networks show: its own golden vector, `da3nested-giant-large_n2`, asks for the same
    numbers of another billion weights, and agreed."""
    giant, metric = named_config("da3-giant"), named_config("da3metric-large")
    assert named_config("da3nested-giant-large") == NestedConfig(giant, metric)


@pytest.mark.slow
def test_weights_are_those_of_the_golden_vectors(goldens: Path, manifests: Path, recipe: ModuleType) -> None:
    files = {name: goldens / f"weights_manifest_{name}.json" for name in TINY}
    files["da3-small"] = manifests / "da3-small.json"
    expected = json.loads((goldens / "weights_sha256.json").read_text())["sha256"]
    assert {name: digest(file, recipe) for name, file in files.items()} == expected


def digest(file: Path, recipe: ModuleType) -> str:
    """Of all made-up weights of a network in the order of their names."""
    listed = json.loads(file.read_text())
    shapes = stored_shapes(listed) if "tensors" in listed else listed
    whole = hashlib.sha256()
    for key in sorted(shapes):
        whole.update(Generated(recipe, key, tuple(shapes[key])).read().numpy().tobytes())
    return whole.hexdigest()
