"""Writes a model as an ONNX file, and asks onnxruntime whether it says the same before the file gets its name."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ...errors import ModelError
from ..checkpoint import ModelCheckpoint, read_checkpoint
from .checking import deviations
from .graph import Graph, graph_of

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
MOST_IN_ONE_FILE = 1_800_000_000  # bytes of weights; a protobuf message ends at 2 GiB
LIMIT = 1e-4  # of an output's largest value
TRACED = 2  # frames of an example, where their number is left open

Size = tuple[int, int]


@dataclass(frozen=True)
class OnnxFile:
    """What was written: `files` are the graph and, for large models, its weights; `deviations` are the largest of each
    output from torch's, over its largest value."""

    files: tuple[Path, ...]
    opset: int
    deviations: Mapping[str, float]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files)

    def moved_to(self, folder: Path) -> OnnxFile:
        """The same files in another folder of the same disk, the graph last."""
        files = tuple(folder / path.name for path in self.files)
        for old, new in reversed(list(zip(self.files, files, strict=True))):
            os.replace(old, new)
        return replace(self, files=files)

    def __str__(self) -> str:
        worst = max(self.deviations.values())
        names = " and ".join(str(path) for path in self.files)
        return (
            f"{names}: opset {self.opset}, {self.size / 1e6:.1f} MB; onnxruntime differs from torch by {worst:.1e} of "
            f"the largest value at most (allowed: {LIMIT:g})"
        )


def export_onnx(
    source: str | Path,
    path: Path | None = None,
    *,
    views: int | None = None,
    size: Size = (378, 504),
    overwrite: bool = False,
) -> OnnxFile:
    """Write the model of a folder or a name as `path` (None: its name in this folder) for images of (height, width).

    Models that look at single frames take any number of them; the others a fixed number of `views`. Weights are
    float32. Raises ModelError where a package is missing, the model has no such graph, the file cannot be written, or
    onnxruntime says something else than torch; then nothing is left.
    """
    from ...models.manifest import checkpoint_folder

    require_packages()
    folder = checkpoint_folder(source)
    path = path or Path(f"{folder.resolve().name if Path(source).is_dir() else source}.onnx")
    _require_place(path, overwrite)
    checkpoint = read_checkpoint(folder, torch.device("cpu"), torch.float32)
    graph = graph_of(checkpoint, views, size)
    facts = _facts(folder, checkpoint, graph)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as beside:
            return _write(graph, Path(beside) / path.name, facts, checkpoint.network.weight_bytes).moved_to(path.parent)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from error


def require_packages() -> None:
    """Raises ModelError naming what is not installed."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelError(f"ONNX files need {' and '.join(missing)}: pip install 'da3_stream[onnx]'")


def _require_place(path: Path, overwrite: bool) -> None:
    """Raises ModelError, before minutes of work, for a path where nothing can be written."""
    if not path.parent.is_dir():
        raise ModelError(f"cannot write {path}: there is no folder {path.parent}")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise ModelError(f"cannot write {path}: {'it is a folder' if path.is_dir() else 'its folder is read-only'}")
    if path.exists() and not overwrite:
        raise ModelError(f"{path} is there already: name another file, or --overwrite")


def _facts(folder: Path, checkpoint: ModelCheckpoint, graph: Graph) -> dict[str, str]:
    """What the file tells of itself."""
    from ...models.manifest import da3_models, weights_hash

    known = da3_models().get(checkpoint.name)
    return {
        "model": checkpoint.name,
        "licence": "not known" if known is None else known.licence,
        "weights_sha256": weights_hash(folder),
        "input": graph.input,
        "outputs": json.dumps(dict(graph.outputs)),
        "views": "free" if graph.views is None else str(graph.views),
    }


def _write(graph: Graph, path: Path, facts: Mapping[str, str], weight_bytes: int) -> OnnxFile:
    """The file, tried. Raises ModelError where it says something else than torch."""
    program = _traced(graph)
    program.model.metadata_props.update(facts)
    program.save(path, external_data=weight_bytes > MOST_IN_ONE_FILE)
    opset = int(program.model.opset_imports[""])
    del program
    found = deviations(path, graph)
    wrong = {name: value for name, value in found.items() if not value <= LIMIT}
    if wrong:
        said = ", ".join(f"{name} by {value:.1e}" for name, value in wrong.items())
        raise ModelError(
            f"onnxruntime differs from torch by more than {LIMIT:g} of the largest value ({said}): nothing was written"
        )
    return OnnxFile(tuple(sorted(path.parent.iterdir())), opset, found)


@torch.no_grad()
def _traced(graph: Graph) -> Any:
    """The graph as torch's ONNXProgram."""
    images = torch.zeros(graph.views or TRACED, 3, *graph.size)
    free = None if graph.views is not None else ({0: torch.export.Dim("frames")},)
    with _quiet_export():
        program = torch.onnx.export(
            graph.module,
            (images,),
            dynamo=True,
            dynamic_shapes=free,
            input_names=["images"],
            output_names=list(graph.outputs),
            verbose=False,
        )
    assert program is not None
    return program


@contextmanager
def _quiet_export() -> Iterator[None]:
    """Without what torch says of torchvision and of its own deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
