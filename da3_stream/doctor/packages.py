"""The packages that runs import, and those that some of them want."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata, util

from .children import import_errors
from .finding import Finding, State

IMPORT_S = 25.0  # for what is asked in a process of its own


@dataclass(frozen=True)
class Package:
    """A package by the name of its distribution, the module that is imported of it, and what it is for.

    `extra` names the extra of da3_stream that brings it; None: every run needs it. Those of one `process` are imported
    in one, in their order.
    """

    name: str
    module: str
    purpose: str
    process: str
    extra: str | None = None
    with_: tuple[str, ...] = ()  # distributions that it needs to be of use

    @property
    def install(self) -> str:
        """The command that brings it."""
        if self.extra is None:
            return f"pip install --force-reinstall {self.name}"
        return f"pip install 'da3_stream[{self.extra}]'" if self.extra else f"pip install {self.name}"


NEEDED = (
    Package("opencv-python-headless", "cv2", "images and features", "pictures"),
    Package("scipy", "scipy.spatial", "optimization", "pictures"),
    Package("matplotlib", "matplotlib.figure", "plots", "pictures"),
    Package("pillow", "PIL.Image", "images", "pictures"),
    Package("OpenEXR", "OpenEXR", "EXR images", "pictures"),
    Package("tifffile", "tifffile", "TIFF images", "pictures"),
    Package("loky", "loky", "worker processes", "pictures"),
    Package("numpy", "numpy", "arrays", "others"),
    Package("pycolmap", "pycolmap", "structure from motion", "others"),
    Package("faiss-cpu", "faiss", "finding places again", "others"),
    Package("av", "av", "reading videos", "others"),
    Package("laspy", "laspy", "LAZ point clouds", "others"),
    Package("lazrs", "lazrs", "LAZ point clouds", "others"),
    Package("pyproj", "pyproj", "places on the Earth", "others"),
    Package("rosbags", "rosbags.highlevel", "ROS bags", "others"),
    Package("safetensors", "safetensors", "weights", "others"),
    Package("huggingface-hub", "huggingface_hub", "fetching weights", "others"),
    Package("pydantic", "pydantic", "settings", "others"),
    Package("pyyaml", "yaml", "settings", "others"),
    Package("fsspec", "fsspec", "inputs and runs elsewhere", "others"),
    Package("filelock", "filelock", "locks on run directories", "others"),
    Package("threadpoolctl", "threadpoolctl", "threads of libraries", "others"),
    Package("tqdm", "tqdm", "progress bars", "others"),
    Package("typer", "typer", "the command line", "others"),
    Package("rich", "rich.console", "the terminal", "others"),
)
TORCH = Package("torch", "torch", "the network Depth Anything 3", "torch")  # the probe of the GPU imports it
OPTIONAL = (
    Package("open3d", "open3d", "meshes (--format mesh)", "meshes", "mesh", ("libusb-package",)),
    Package("rerun-sdk", "rerun", "rerun recordings (--format rrd)", "formats", "rerun"),
    Package("pye57", "pye57", "E57 point clouds (--format e57)", "formats", "e57"),
    Package("gsply", "gsply", "compressed splats (--format spz)", "splats", "spz"),
    Package("pi-heif", "pi_heif", "HEIC and HEIF images of telephones", "formats", "heif"),
    Package("onnx", "onnx", "models as ONNX files (weights export)", "formats", "onnx", ("onnxruntime", "onnxscript")),
    Package("ray", "ray", "windows on other machines (--engine ray)", "formats", "ray"),
    Package("s3fs", "s3fs", "inputs and runs in s3:// buckets", "formats", "s3"),
    Package("imagecodecs", "imagecodecs", "TIFF images in rarer compressions", "formats", ""),
    Package("gsplat", "gsplat", "drawing splats on an NVIDIA GPU", "xformers", "gpu"),
    Package("xformers", "xformers", "a faster attention kernel on some GPUs", "xformers", "gpu"),
)


def find_packages(limit_s: float = IMPORT_S) -> Iterator[Finding]:
    """A finding for every package but torch: its version, or why it cannot be imported."""
    there = [package for package in (*NEEDED, *OPTIONAL) if _is_there(package)]
    processes = list(dict.fromkeys(package.process for package in there))
    groups = [[package.module for package in there if package.process == process] for process in processes]
    with ThreadPoolExecutor(max(len(groups), 1)) as pool:
        found = pool.map(lambda group: import_errors(group, limit_s), groups)
    errors = {module: error for of_group in found for module, error in of_group.items()}
    yield from (_needed(package, package in there, errors.get(package.module)) for package in NEEDED)
    yield from (_optional(package, package in there, errors.get(package.module)) for package in OPTIONAL)
    yield from _two_opencvs()


def find_torch(error: str | None) -> Finding:
    """Of torch, which could be imported, or could not for this reason."""
    return _needed(TORCH, _is_there(TORCH), error)


def _is_there(package: Package) -> bool:
    """Whether the module can be found, without importing it."""
    try:
        return util.find_spec(package.module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _version(package: Package) -> str | None:
    try:
        return metadata.version(package.name)
    except metadata.PackageNotFoundError:
        return None


def _needed(package: Package, is_there: bool, error: str | None) -> Finding:
    error = error if is_there else "it is not installed"
    if error is None:
        return Finding(package.name, _version(package) or "there", facts=_facts(package, None))
    advice = f"{package.purpose} needs it: install it anew"
    return Finding(package.name, error, State.BROKEN, advice, package.install, _facts(package, error))


def _optional(package: Package, is_there: bool, error: str | None) -> Finding:
    missing = [name for name in package.with_ if not _has(name)]
    facts = _facts(package, error)
    if not is_there:
        return Finding(package.name, "not installed", State.NOTE, f"for {package.purpose}", package.install, facts)
    if error is not None:
        advice = f"no {package.purpose} until it is installed anew"
        return Finding(package.name, error, State.WARNING, advice, f"{package.install} --force-reinstall", facts)
    if missing:
        advice = f"{package.purpose} also need {' and '.join(missing)}"
        return Finding(package.name, f"{_version(package)} alone", State.NOTE, advice, package.install, facts)
    return Finding(package.name, f"{_version(package) or 'there'}: {package.purpose}", facts=facts)


def _facts(package: Package, error: str | None) -> dict[str, str | bool | None]:
    return {"version": _version(package), "needed": package.extra is None, "error": error, "for": package.purpose}


def _has(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _two_opencvs() -> Iterator[Finding]:
    """Other builds of OpenCV write over the files of the one that is meant."""
    others = [f"opencv-{kind}" for kind in ("python", "contrib-python", "contrib-python-headless")]
    found = [name for name in others if _has(name)]
    if found:
        cure = f"pip uninstall -y {' '.join(found)} && pip install --force-reinstall opencv-python-headless"
        advice = "they share their files with opencv-python-headless: keep that alone"
        yield Finding("opencv", f"{', '.join(found)} beside it", State.WARNING, advice, cure, {"others": found})
