"""The programs that read exports, in a cached folder of their own: Python packages, npm packages, Debian packages.

Nothing is installed into the system: Debian packages are unpacked, and run from where they lie.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import tell

PYTHON = {
    "evo": "1.38.1",
    "bpy": "5.0.1",
    "rasterio": "1.4.4",
    "pyogrio": "0.13.0",
    "pymeshlab": "2025.7.post1",
    "pypcd4": "1.5.1",
}
NERFSTUDIO = {  # what its dataparser imports, beside torch and OpenCV, which it takes from this environment
    "nerfstudio": "1.1.5",
    "tyro": "1.0.17",
    "jaxtyping": "0.3.11",
    "rich": "15.0.0",
    "docstring-parser": "0.18.0",
    "typeguard": "4.6.1",
    "shtab": "1.13.0",
    "wadler-lindig": "0.1.8",
    "mdurl": "0.1.2",
    "markdown-it-py": "4.3.0",
    "pygments": "2.21.0",
    "viser": "1.1.1",
    "msgspec": "0.23.0",
    "websockets": "17.4",
    "zstandard": "0.25.0",
    "tensorboard": "2.21.0",
    "protobuf": "7.36.2",
    "absl-py": "2.5.1",
}
NPM = {
    "three": "0.187.0",
    "playwright-core": "1.65.1",
    "gltf-validator": "2.0.0-dev.3.10",
    "copc": "0.0.8",
    "@playcanvas/splat-transform": "2.7.1",
    "@loaders.gl/core": "4.5.4",
    "@loaders.gl/3d-tiles": "4.5.4",
    "@loaders.gl/gltf": "4.5.4",
    "@loaders.gl/las": "4.5.1",
}
DEBIAN = ("colmap", "chromium", "cloudcompare")  # the versions are those of the system's release
LIBRARIES = ("", "pulseaudio", "atlas", "blas", "lapack", "cloudcompare")


@dataclass(frozen=True, eq=False)
class Installed:
    """What there is in a folder, and why something is not."""

    folder: Path
    missing: Mapping[str, str]  # by the part (python, nerfstudio, npm, debian): why it is not there

    def python(self) -> str:
        """An interpreter with evo, Blender, GDAL and MeshLab."""
        return str(self.folder / "python" / "bin" / "python")

    def program(self, name: str) -> str:
        """A program of a Debian package; the system's own where it has that, which apt then does not download."""
        found = {"chromium": "usr/lib/chromium/chromium"}.get(name, f"usr/bin/{name}")
        unpacked = self.folder / "debian" / found
        return str(unpacked if unpacked.exists() else Path("/") / found)

    def environment(self, *, unpacked: bool) -> dict[str, str]:
        """What all of them are run with; with `unpacked` also where unpacked packages have their libraries."""
        modules = str(self.folder / "npm" / "node_modules")
        common = {**os.environ, "NODE_PATH": modules, "HOME": str(self.folder / "home"), "OMP_NUM_THREADS": "1"}
        if not unpacked:
            return common
        root = self.folder / "debian" / "usr" / "lib"
        libraries = [str(root / "x86_64-linux-gnu" / each) for each in LIBRARIES]
        plugins = str(root / "x86_64-linux-gnu" / "qt5" / "plugins")
        of_qt = {"QT_PLUGIN_PATH": plugins, "QT_QPA_PLATFORM": "offscreen"}
        return common | of_qt | {"LD_LIBRARY_PATH": ":".join([*libraries, str(root)])}

    def versions(self) -> dict[str, str]:
        """By program, as they say themselves or were asked for."""
        pinned = {} if "python" in self.missing else dict(PYTHON)
        pinned |= {} if "nerfstudio" in self.missing else {"nerfstudio": NERFSTUDIO["nerfstudio"]}
        pinned |= {} if "npm" in self.missing else NPM
        return pinned | ({} if "debian" in self.missing else self._debian_versions())

    def _debian_versions(self) -> dict[str, str]:
        archives = (self.folder / "debian.archives").glob("*.deb")
        names = [file.name.split("_") for file in archives]
        return {parts[0]: parts[1] for parts in names if parts[0] in DEBIAN}


def install(folder: Path) -> Installed:
    """All programs, where they are not there yet; what cannot be had is missing, with the reason."""
    steps = {"python": _python, "nerfstudio": _nerfstudio, "npm": _npm, "debian": _debian}
    (folder / "home").mkdir(parents=True, exist_ok=True)
    missing = {}
    for part, step in steps.items():
        done = folder / f"{part}.installed"
        if done.exists():
            continue
        tell(f"installing {part} into {folder}")
        try:
            step(folder)
            done.touch()
        except (subprocess.CalledProcessError, OSError) as error:
            missing[part] = _reason(error)
    return Installed(folder, missing)


def _python(folder: Path) -> None:
    _run([sys.executable, "-m", "venv", str(folder / "python")])
    _run([str(folder / "python" / "bin" / "pip"), "install", "-q", *_pinned(PYTHON)])


def _nerfstudio(folder: Path) -> None:
    """Without its dependencies: they are gigabytes that a dataparser has no need of."""
    target = ["--no-deps", "--upgrade", "--target", str(folder / "nerfstudio")]
    _run([sys.executable, "-m", "pip", "install", "-q", *target, *_pinned(NERFSTUDIO)])


def _npm(folder: Path) -> None:
    """Anew: npm believes in files that an installation which was broken off has left cut short."""
    shutil.rmtree(folder / "npm", ignore_errors=True)
    (folder / "npm").mkdir()
    packages = [f"{name}@{version}" for name, version in NPM.items()]
    words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", *packages]
    _run(words, cwd=folder / "npm")


def _debian(folder: Path) -> None:
    archives, root = folder / "debian.archives", folder / "debian"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    _run(["apt-get", "update", "-qq"])
    words = ["apt-get", "install", "-y", "-qq", "--download-only", "--no-install-recommends"]
    _run([*words, "-o", f"Dir::Cache::archives={archives}", *DEBIAN])
    shutil.rmtree(root, ignore_errors=True)
    for file in sorted(archives.glob("*.deb")):
        _run(["dpkg", "-x", str(file), str(root)])


def _pinned(packages: Mapping[str, str]) -> list[str]:
    return [f"{name}=={version}" for name, version in packages.items()]


def _run(words: Sequence[str], cwd: Path | None = None) -> None:
    subprocess.run(words, cwd=cwd, check=True, capture_output=True, text=True)


def _reason(error: subprocess.CalledProcessError | OSError) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    lines = (error.stderr or error.stdout or "").strip().splitlines() or ["no word of why"]
    return f"{error.cmd[0]}: {lines[-1]}"
