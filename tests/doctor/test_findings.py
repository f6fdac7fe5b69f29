"""What doctor says of packages, processor, memory, disk and terminal."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections import namedtuple
from pathlib import Path

import pytest

from da3_stream import machine
from da3_stream.doctor import hardware, packages, places, probes
from da3_stream.doctor.finding import State
from da3_stream.doctor.packages import NEEDED, OPTIONAL, TORCH

ROOT = Path(__file__).parents[2]
Usage = namedtuple("Usage", "total used free")


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=]", requirement)[0] for requirement in requirements}


def test_every_package_that_is_declared_is_looked_at() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {package.name for package in (*NEEDED, TORCH)} == names(project["dependencies"])
    extras = {
        name: names(of) for name, of in project["optional-dependencies"].items() if name not in ("bench", "dev", "docs")
    }
    told: dict[str, set[str]] = {}
    for package in OPTIONAL:
        if package.extra:
            told.setdefault(package.extra, set()).update({package.name, *package.with_})
    assert told == extras


def test_a_broken_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    crash = "it crashes the process (SIGSEGV)"
    broken = {"cv2": crash, "pye57": "ImportError: libxerces is not there"}
    monkeypatch.setattr(packages, "import_errors", lambda names, _: {name: broken.get(name) for name in names})
    monkeypatch.setattr(packages, "_is_there", lambda package: package.name not in ("rosbags", "rerun-sdk"))
    found = {finding.name: finding for finding in packages.find_packages()}
    opencv, rosbags = found["opencv-python-headless"], found["rosbags"]
    assert (opencv.state, opencv.text) == (State.BROKEN, crash)
    assert opencv.command == "pip install --force-reinstall opencv-python-headless"
    assert (rosbags.state, rosbags.text) == (State.BROKEN, "it is not installed")
    assert found["pye57"].state == State.WARNING and "libxerces" in found["pye57"].text
    assert found["rerun-sdk"].state == State.NOTE
    assert found["rerun-sdk"].command == "pip install 'da3_stream[rerun]'"
    assert found["numpy"].state == State.OK and found["numpy"].facts["needed"]


def test_two_builds_of_opencv_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_has", lambda name: name == "opencv-python")
    (found,) = packages._two_opencvs()
    assert found.command is not None and found.command.startswith("pip uninstall -y opencv-python && pip install")


@pytest.mark.parametrize(
    ("flags", "text", "state"),
    [
        ("flags\t\t: sse2 avx2 fma avx512f\n", "AVX2, FMA, AVX-512", State.OK),
        ("flags\t\t: sse2\n", "no AVX2", State.WARNING),
        ("", "not told by this system", State.OK),
    ],
)
def test_instruction_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, text: str, state: State) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}processor\t: 1\n")
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(hardware.platform, "machine", lambda: "x86_64")
    found = {finding.name: finding for finding in hardware.find_hardware()}["instructions"]
    assert (found.text, found.state) == (text, state)


def test_a_container_s_share_of_the_cores_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    monkeypatch.setattr(hardware, "describe_machine", lambda: {"processor": "x", "cores": 16, "memory_bytes": 1 << 36})
    cores, _, _ = hardware.find_hardware()
    assert cores.facts["quota"] == 1.5 and cores.command == "da3-stream run INPUT --workers 1"
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.cpu_quota() is None


def test_little_memory_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "available_memory_bytes", lambda: 1 << 30)
    *_, memory = hardware.find_hardware()
    assert memory.state == State.WARNING and "--workers 1" in str(memory.command)


def test_the_disk_is_measured_and_left_as_it_was(tmp_path: Path) -> None:
    found = places.find_disk(tmp_path / "not" / "yet")
    assert list(tmp_path.iterdir()) == []
    assert found.facts["folder"] == str(tmp_path) and found.facts["write_bytes_per_second"] > 0
    assert found.facts["free_bytes"] == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.5)


def test_a_full_or_forbidden_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: Usage(1, 1, 5 << 20))
    assert places.find_disk(tmp_path).state == State.WARNING

    def refuse(_: Path) -> float:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(places, "_write_speed", refuse)
    found = places.find_disk(tmp_path)
    assert found.state == State.WARNING and found.text == f"{tmp_path} cannot be written: Permission denied"


def test_a_gpu_is_told_with_its_kernel_and_a_full_one_with_advice() -> None:
    answer = {"device": "cuda:0", "gpu": "H200", "kernel": "xformers' own", "dtype": "bfloat16", "total_bytes": 8e9}
    found = probes._gpu({**answer, "free_bytes": 7e9})
    assert found.text == "H200, 8.0 GB, of which 7.0 GB are free; attention: xformers' own, bfloat16"
    assert probes._gpu({**answer, "free_bytes": 2e9}).command == "da3-stream run INPUT --vram-gb 2"


def test_a_probe_that_crashes_is_a_warning() -> None:
    found = probes.Probe("model", "import os; os.abort()", probes._models, "no model").find(30)
    assert found.state == State.WARNING and found.text == "it crashes the process (SIGABRT)"


def test_the_formats_that_packages_are_for_are_there() -> None:
    from da3_stream.export.formats import FORMATS

    named = {name for package in OPTIONAL for name in re.findall(r"--format (\w+)", package.purpose)}
    assert named == {"mesh", "rrd", "e57", "spz"} and named <= set(FORMATS)
