"""Wheel and source distribution are whole, and the program runs from an installed wheel, away from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import PIL.Image
import pytest

from da3_stream.settings.presets import preset_names
from tests.docs.pages import ROOT
from tests.worlds.towns import make_town

BUILT_FROM = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "MANIFEST.in",
    "CHANGELOG.md",
    "constraints.txt",
    "da3_stream",
    "configs",
    "weights",
)
SKIPPED = shutil.ignore_patterns("__pycache__", "node_modules")
BUILD = "import sys; from setuptools import build_meta as b; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution, built from a copy of the checkout, and the wheel, built from that alone."""
    checkout, dist = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("dist")
    for name in BUILT_FROM:
        there = checkout / name
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, there, symlinks=True, ignore=SKIPPED)
        else:
            shutil.copy(ROOT / name, there)
    sdist = build("sdist", checkout, dist)
    with tarfile.open(sdist) as archive:
        archive.extractall(dist / "unpacked", filter="data")
    (source,) = (dist / "unpacked").iterdir()
    return sdist, build("wheel", source, dist)


def build(kind: str, source: Path, dist: Path) -> Path:
    """As pip and build do it, without an environment of its own."""
    done = subprocess.run([sys.executable, "-c", BUILD, kind, dist], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dist / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def installed(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel; what it depends on is this environment's."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", folder, archives[1]], check=True)
    return folder


@pytest.mark.slow
def test_the_wheel_holds_all_that_the_checkout_holds(archives: tuple[Path, Path]) -> None:
    names = set(zipfile.ZipFile(archives[1]).namelist())
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "da3_stream").rglob("*.py")}
    assert modules <= names
    data = {f"da3_stream/configs/{name}.yaml" for name in preset_names()}
    data |= {"da3_stream/weights/manifest.yaml", "da3_stream/trust/coefficients.json"}
    data |= {str(path.relative_to(ROOT)) for path in (ROOT / "da3_stream/viewer/assets").iterdir()}
    assert data <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not {name for name in names if name.startswith(("tests/", "benchmarks/", "docs/")) or "node_modules" in name}


@pytest.mark.slow
def test_the_source_distribution_is_small_and_has_its_licence(archives: tuple[Path, Path]) -> None:
    with tarfile.open(archives[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "constraints.txt", "pyproject.toml"} <= names
    assert archives[0].stat().st_size < 5e6


def call(installed: Path, folder: Path, *words: str) -> str:
    """What the installed program says, in a folder away from the checkout."""
    environment = os.environ | {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [installed / "bin/da3-stream", *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_installed_program_is_the_wheel_s(installed: Path, tmp_path: Path) -> None:
    code = "import da3_stream; print(da3_stream.__file__)"
    environment = os.environ | {"PYTHONPATH": str(installed)}
    told = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert Path(told.stdout.strip()).is_relative_to(installed)
    assert "Reconstruct" in call(installed, tmp_path, "--help")
    assert "CC-BY-NC-4.0" in call(installed, tmp_path, "weights", "list")


@pytest.mark.slow
def test_a_run_from_the_installed_wheel(installed: Path, tmp_path: Path) -> None:
    town = make_town("block", frames=120, size=(160, 120), hfov_deg=75.0)
    (tmp_path / "town").mkdir()
    for number in range(10):
        PIL.Image.fromarray(town.frame(number).image).save(tmp_path / "town" / f"{number}.png")
    words = ("--hfov-deg", "75", "--workers", "1", "--set", "loops.descriptor=off", "-q")
    call(installed, tmp_path, "run", "town", "-o", "out", *words)
    facts = json.loads(call(installed, tmp_path, "info", "out", "--json"))
    assert (facts["state"], facts["placed"]) == ("finished", 10)
