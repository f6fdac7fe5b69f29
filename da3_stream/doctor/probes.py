"""What only a library can tell, asked in a process of its own: GPU and attention, models, decoders, grids of PROJ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..machine import size_text
from .children import ask
from .finding import Finding, State

GPU = """
import torch
say(torch=torch.__version__)
from da3_stream.da3.backbone.attention import best_kernel, describe_kernel
from da3_stream.da3.device import best_device, suited_dtype
device = best_device()
dtype = suited_dtype(device)
answer = {"device": str(device), "dtype": str(dtype).removeprefix("torch."), "cuda_of_torch": torch.version.cuda}
if device.type == "cuda":
    free, total = torch.cuda.mem_get_info(device)
    answer |= {"gpu": torch.cuda.get_device_name(device), "free_bytes": free, "total_bytes": total}
    answer |= {"capability": list(torch.cuda.get_device_capability(device)), "gpus": torch.cuda.device_count()}
say(**answer, kernel=describe_kernel(best_kernel(device, dtype), device, dtype))
"""
MODELS = """
from da3_stream.models.manifest import da3_models
from da3_stream.predictors.model_choice import choose_model
from da3_stream.settings import ModelSettings
chosen = choose_model(ModelSettings())
cached = [entry.name for entry in da3_models().values() if entry.cached_folder() is not None]
say(name=chosen.name, why=chosen.why, licence_note=chosen.licence_note, cached=cached)
"""
DECODERS = """
import av, shutil
versions = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
wanted = ("h264", "hevc", "av1", "vp9", "mjpeg", "prores")
say(libraries=versions, missing=[name for name in wanted if name not in av.codecs_available],
    ffmpeg=shutil.which("ffmpeg"))
"""
GRID = """
from pyproj import network
from pyproj.datadir import get_data_dir
from pyproj.transformer import TransformerGroup
from da3_stream.export.trajectory.heights import GRID
network.set_network_enabled(False)
group = TransformerGroup("EPSG:4979", "EPSG:4326+5773")
say(grid=GRID, has_grid=group.best_available, folder=get_data_dir())
"""

Answer = dict[str, Any]


@dataclass(frozen=True)
class Probe:
    """A question, and what its answer means."""

    name: str
    code: str
    read: Callable[[Answer], Finding]
    without: str  # what there is not where the question could not be answered

    def find(self, limit_s: float) -> Finding:
        """Ask."""
        ended = ask(self.code, limit_s=limit_s)
        if ended.error is not None or not ended.answers:
            text = ended.error or "no answer"
            facts = {"error": text, "began": bool(ended.answers)}
            return Finding(self.name, text, State.WARNING, self.without, "da3-stream doctor", facts)
        return self.read(ended.answers[-1])


def _gpu(answer: Answer) -> Finding:
    if "gpu" in answer:
        text = (
            f"{answer['gpu']}, {size_text(answer['total_bytes'])}, of which {size_text(answer['free_bytes'])} are free"
        )
        text += f"; attention: {answer['kernel']}, {answer['dtype']}"
        if answer["free_bytes"] > answer["total_bytes"] / 2:
            return Finding("gpu", text, facts=answer)
        advice = "other programs hold most of its memory: end them, or take what is left"
        share = f"da3-stream run INPUT --vram-gb {answer['free_bytes'] / 1e9:.0f}"
        return Finding("gpu", text, State.NOTE, advice, share, answer)
    text = f"none that torch can use: networks run on {answer['device']}; attention: {answer['kernel']}"
    if answer["device"] == "cpu" and _has_nvidia():
        advice = "there is an NVIDIA driver, but this torch cannot use it: install one built for CUDA"
        command = "pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu126"
        return Finding("gpu", text, State.WARNING, advice, command, answer)
    return Finding("gpu", text, facts=answer)


def _has_nvidia() -> bool:
    from pathlib import Path

    return Path("/proc/driver/nvidia/version").exists()


def _models(answer: Answer) -> Finding:
    has = f"on this machine: {', '.join(answer['cached']) or 'no weights'}"
    text = f"'auto' takes {answer['name']}; {has}"
    if answer["name"] == "sfm":
        advice = "sfm needs no weights; a network gives denser depth, best on a GPU"
        return Finding("model", text, State.NOTE, advice, "da3-stream weights fetch da3-base", answer)
    if answer["licence_note"]:
        advice = f"{answer['licence_note']}; for others take a free one"
        return Finding("model", text, State.NOTE, advice, "da3-stream run INPUT --model da3-base", answer)
    return Finding("model", text, facts=answer)


def _decoders(answer: Answer) -> Finding:
    libraries = ", ".join(f"{name} {answer['libraries'][name]}" for name in ("libavcodec", "libavformat"))
    if not answer["missing"]:
        return Finding("decoders", libraries, facts=answer)
    text, advice = f"{libraries}, without {', '.join(answer['missing'])}", "videos in these formats cannot be read"
    return Finding("decoders", text, State.WARNING, advice, "pip install --force-reinstall av", answer)


def _grid(answer: Answer) -> Finding:
    if answer["has_grid"]:
        return Finding("proj_grid", f"{answer['grid']} is there", facts=answer)
    advice = "for heights over the sea in GPX, KML and GeoJSON files of located runs"
    return Finding(
        "proj_grid", "no grid of the geoid EGM96", State.NOTE, advice, f"pyproj sync --file {answer['grid']}", answer
    )


PROBES = (
    Probe("gpu", GPU, _gpu, "networks may not run; run with --model sfm, or ask again"),
    Probe("model", MODELS, _models, "which model 'auto' takes cannot be told: mend what is broken, and ask again"),
    Probe("decoders", DECODERS, _decoders, "videos may not be read: mend what is broken, and ask again"),
    Probe("proj_grid", GRID, _grid, "heights over the sea may be missing: mend what is broken, and ask again"),
)
