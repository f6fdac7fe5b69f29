"""ONNX files: onnxruntime says what the network says, for any number of frames; what cannot be written is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from da3_stream.cli.weights import _size
from da3_stream.da3 import Network
from da3_stream.da3.heads.metric import SKY_THRESHOLD
from da3_stream.da3.onnx import OnnxFile, checking, export_onnx, writing
from da3_stream.errors import ModelError
from da3_stream.models.manifest import weights_hash
from tests.da3.conftest import short

onnx = pytest.importorskip("onnx")
SIZE = (28, 42)
Export = Callable[..., OnnxFile]


@pytest.fixture(scope="module")
def checkpoint(
    goldens: Path, short_network: Callable[[str], Network], tmp_path_factory: pytest.TempPathFactory
) -> Callable:
    """The folder of one of them."""
    configs = json.loads((goldens / "tiny_configs.json").read_text())

    def folder(name: str) -> Path:
        made = tmp_path_factory.mktemp("checkpoints") / name
        made.mkdir()
        (made / "config.json").write_text(json.dumps({"model_name": name, "config": short(configs[name])}))
        tensors = {key: tensor.contiguous() for key, tensor in short_network(name).tensors().items()}
        save_file(tensors, made / "model.safetensors")
        return made

    return folder


@pytest.fixture(scope="module")
def mono(checkpoint: Callable) -> Path:
    return checkpoint("tinymono")


@pytest.fixture(scope="module")
def traced(mono: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[OnnxFile, Any]:
    """The file of the network that looks at single frames, and the traced program that it was made of."""
    programs = []

    def kept(graph: writing.Graph) -> Any:
        programs.append(trace(graph))
        return programs[0]

    trace = writing._traced
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "_traced", kept)
        made = export_onnx(mono, tmp_path_factory.mktemp("onnx") / "mono.onnx", size=SIZE)
    return made, programs[0]


@pytest.fixture
def export(mono: Path, traced: tuple[OnnxFile, Any], monkeypatch: pytest.MonkeyPatch) -> Export:
    """As `export_onnx` of that network, without tracing it again."""
    monkeypatch.setattr(writing, "_traced", lambda graph: traced[1])
    return lambda path, **options: export_onnx(mono, path, size=SIZE, **options)


def images(count: int) -> Tensor:
    return torch.randn(count, 3, *SIZE, generator=torch.Generator().manual_seed(count))


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3, 5])
def test_any_number_of_frames_gives_what_the_network_gives(
    count: int, traced: tuple[OnnxFile, Any], short_network: Callable[[str], Network]
) -> None:
    session = checking.open_session(traced[0].files[0])
    depth, sky = session.run(["depth", "sky"], {"images": images(count).numpy()})
    out = short_network("tinymono").forward(images(count)[None])
    assert out.sky is not None and depth.shape == (count, *SIZE)
    clear = sky < SKY_THRESHOLD  # elsewhere the network fills depth in
    assert clear.any()
    np.testing.assert_allclose(sky, out.sky[0].numpy(), atol=1e-4 * float(out.sky.max()))
    np.testing.assert_allclose(depth[clear], out.depth[0].numpy()[clear], rtol=1e-4)


@pytest.mark.slow
def test_a_file_tells_what_it_is(traced: tuple[OnnxFile, Any], mono: Path) -> None:
    model = onnx.load(traced[0].files[0])
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert told["model"] == "tinymono" and told["weights_sha256"] == weights_hash(mono) and told["views"] == "free"
    assert "0.485" in told["input"] and "28,42" in told["input"] and told["licence"] == "not known"
    assert set(json.loads(told["outputs"])) == {output.name for output in model.graph.output} == {"depth", "sky"}
    assert model.opset_import[0].version == traced[0].opset >= 18
    assert max(traced[0].deviations.values()) < 1e-5 and "differs from torch by" in str(traced[0])


@pytest.mark.slow
def test_large_weights_lie_beside_the_graph(export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_IN_ONE_FILE", 1000)
    made = export(tmp_path / "large.onnx")
    assert sorted(tmp_path.iterdir()) == sorted(made.files) == [tmp_path / "large.onnx", tmp_path / "large.onnx.data"]
    assert made.files[1].stat().st_size > made.files[0].stat().st_size
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for file in made.files:
        shutil.move(file, moved)
    assert checking.open_session(moved / "large.onnx").run(["sky"], {"images": images(2).numpy()})


@pytest.mark.slow
def test_a_file_that_says_something_else_gets_no_name(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(writing.Graph, "counts", (2,))
        patch.setattr(torch, "randn", lambda *shape, generator: torch.full(shape, torch.nan))
        with pytest.raises(ModelError, match=r"onnxruntime differs from torch by more than 0.0001 .*depth by nan"):
            export(tmp_path / "mono.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_is_there_stays_unless_said(export: Export, tmp_path: Path) -> None:
    there = tmp_path / "mono.onnx"
    there.write_text("mine")
    with pytest.raises(ModelError, match=r"mono.onnx is there already: name another file, or --overwrite"):
        export(there)
    assert there.read_text() == "mine"
    assert export(there, overwrite=True).files == (there,) and there.stat().st_size > 1000


@pytest.mark.slow
def test_views_of_a_scene_give_depth_and_cameras(
    checkpoint: Callable, tmp_path: Path, short_network: Callable[[str], Network]
) -> None:
    made = export_onnx(checkpoint("tiny"), tmp_path / "tiny.onnx", views=3, size=SIZE)
    found = checking.open_session(made.files[0]).run(None, {"images": images(3).numpy()})
    out = short_network("tiny").forward(images(3)[None])  # which chooses the reference frame, too
    expected = (out.depth, out.confidence, out.camera_from_world, out.intrinsics)
    for array, tensor in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, tensor[0].numpy(), atol=1e-4 * float(tensor.abs().max()))


@pytest.mark.slow
def test_what_is_no_graph_is_refused(checkpoint: Callable, mono: Path, tmp_path: Path) -> None:
    several, nested = checkpoint("tiny"), checkpoint("tinynested")
    for folder, options, sentence in (
        (several, {}, r"tiny looks at several views together: say how many \(--views 2\)"),
        (several, {"views": 0}, "say how many"),
        (mono, {"views": 2}, "tinymono looks at single frames, as many as there are: leave --views out"),
        (nested, {}, "a nested model joins two by quantiles"),
        (mono, {"size": (30, 42)}, "multiples of 14, not 42x30"),
    ):
        with pytest.raises(ModelError, match=sentence):
            export_onnx(folder, tmp_path / "no.onnx", **options)
    with pytest.raises(ModelError, match=r"no Depth Anything 3 model 'da3-tiny': choose one of da3-small"):
        export_onnx("da3-tiny", tmp_path / "no.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_where_nothing_can_be_written_is_said_at_once(mono: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no folder"):
        export_onnx(mono, tmp_path / "no" / "mono.onnx")
    with pytest.raises(ModelError, match="it is a folder"):
        export_onnx(mono, tmp_path)


@pytest.mark.slow
def test_a_missing_package_is_named(mono: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing.importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else name)
    with pytest.raises(ModelError, match=r"ONNX files need onnxruntime: pip install 'da3_stream\[onnx\]'"):
        export_onnx(mono, tmp_path / "mono.onnx")


@pytest.mark.slow
@pytest.mark.parametrize("text", ["504", "504x", "axb", "-14x28"])
def test_a_size_is_width_and_height(text: str) -> None:
    assert _size("504x378") == (378, 504)
    with pytest.raises(ModelError, match="--size is WIDTHxHEIGHT"):
        _size(text)
