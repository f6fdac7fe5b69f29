"""The stages of a run, and the few numbers of each that a user can turn."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from ..errors import SettingsError
from .camera import CameraSettings
from .quality import Quality, with_quality
from .validation import Off, Stage, off, sentence, word_or_number


class FramesSettings(Stage):
    """Which frames of the input are used."""

    every: int = Field(1, ge=1, description="use every n-th frame")
    fps: Literal["auto"] | float | None = Field(
        None, description="use about this many frames a second; auto: about 10 where the input has times"
    )
    start: float | None = Field(None, ge=0, description="seconds to skip at the beginning")
    end: float | None = Field(None, gt=0, description="stop so many seconds after the first frame")
    max_frames: int | None = Field(None, ge=1, description="use at most this many frames")
    times: Annotated[str | None, Off] = Field(
        None,
        description="a file with the frames' times, one a line or with names of pictures; off looks for none; null: "
        "what lies beside pictures, is in their names, or in their EXIF data",
    )
    default_fps: float = Field(30.0, gt=0, description="rate assumed for images that carry no times")
    camera: str | None = Field(
        None,
        description="front, rear or another of the cameras that recorded at once, by the files' names; null: front",
    )
    topic: str | None = Field(None, min_length=1, description="of a bag: the topic whose pictures are the frames")
    gate: Annotated[Literal["auto", "off"] | None, Off] = Field(
        None,
        description="auto leaves out frames that add nothing or harm, off none; null: off for arrays in memory and "
        "for a given predictor, else auto",
    )
    parallax: float = Field(
        0.006, gt=0, lt=0.2, description="how far near things move between kept frames, in widths of the image"
    )

    @field_validator("fps", mode="before")
    @classmethod
    def _fps(cls, value: object) -> object:
        """A word, or a rate, also as text."""
        return value if value is None else word_or_number(value, ("auto",), "auto or a number of frames a second")

    @model_validator(mode="after")
    def _ordered(self) -> FramesSettings:
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError(f"end ({self.end:g} s) must lie after start ({self.start:g} s)")
        return self


class WindowsSettings(Stage):
    """How many frames go together; null takes the predictor's own default, else 60 and 12."""

    size: int | None = Field(None, ge=2, description="frames in a window")
    overlap: int | None = Field(None, ge=1, description="frames that neighbouring windows share")
    key_every: int = Field(
        0,
        ge=0,
        description="windows between two keyframe windows over all of them; 0: none; each takes a prediction",
    )

    @model_validator(mode="after")
    def _overlap_below_size(self) -> WindowsSettings:
        if self.size is not None and self.overlap is not None and self.overlap >= self.size:
            raise ValueError(f"overlap ({self.overlap}) must be below size ({self.size})")
        return self


class ModelSettings(Stage):
    """Which predictor looks at the windows, and where it runs."""

    name: str = Field(
        "auto", description="auto, sfm, a name of 'da3-stream weights list', or a folder with a checkpoint"
    )
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps (sfm runs on the CPU)")
    workers: int | None = Field(None, ge=1, description="parallel processes; null takes one per core")
    vram_gb: float | None = Field(
        None, gt=0, description="memory of the device in GB (1e9 bytes) that a DA3 model may take; null: what is free"
    )
    quality: Quality = Field(
        "balanced",
        description="fast, balanced or best: what settings are (see settings/quality.py) that are not set here",
    )
    resolution: int | None = Field(None, ge=64, description="longest image side in pixels that the model looks at")
    flow_scale: int = Field(
        1,
        ge=0,
        le=3,
        description="how often sfm halves images before it measures the flow that depth comes from; 0: full size",
    )
    keyframes: Literal["auto", "all"] = Field(
        "auto",
        description="frames that sfm extracts keypoints of and maps: auto, fewer where that leaves no doubt; all",
    )
    keyframe_gap: int = Field(3, ge=1, le=10, description="frames from one of those to the next, at most")
    keypoints: int = Field(1500, ge=100, le=20_000, description="how many sfm looks for in one of those, at most")
    window_timeout_s: float | None = Field(
        None,
        gt=0,
        description="seconds that sfm may work on one step of a window before the window has failed; null: 10 min and "
        "5 s a frame, more above 640x480",
    )


class ScaleSettings(Stage):
    """Where the scale comes from: at most one of the three gives metres to a run whose model is not metric."""

    factor: float | None = Field(None, gt=0, description="metres per unit of the run")
    path_length_m: float | None = Field(None, gt=0, description="true length of the camera's path in metres")
    camera_height: Literal["auto", "off", "constant"] | float = Field(
        "auto",
        description="over the ground: metres, constant (but unknown), off, or auto: constant where it looks so",
    )

    @field_validator("camera_height", mode="before")
    @classmethod
    def _height(cls, value: object) -> object:
        """A word, or metres, also as text."""
        words = ("auto", "off", "constant")
        return word_or_number(off(value), words, "auto, off, constant or the camera's height in metres")

    @model_validator(mode="after")
    def _one_of_them(self) -> ScaleSettings:
        metres = self.camera_height if isinstance(self.camera_height, float) else None
        given = {"factor": self.factor, "path_length_m": self.path_length_m, "camera_height": metres}
        names = [name for name, value in given.items() if value is not None]
        if len(names) > 1:
            raise ValueError(f"{names[0]} and {names[1]} both set the scale: give one of them")
        return self


class LoopsSettings(Stage):
    """How revisited places are recognised, and how many of them are verified."""

    descriptor: Annotated[Literal["auto", "off", "dino", "salad", "vlad"], Off] = Field(
        "auto", description="auto: dino where a DA3 model runs, else vlad; salad needs its checkpoint; off: no loops"
    )
    salad: str | None = Field(None, description="the checkpoint dino_salad.ckpt, or its tensors as .safetensors")
    min_similarity: float = Field(
        0.5, ge=0, le=1, description="of a candidate: 0 is usual between any two places, 1 between neighbouring frames"
    )
    spacing: float = Field(1.0, gt=0, description="path between two loops of the same laps, in depths of the scene")
    most_per_window: int = Field(8, ge=1, description="candidates verified for one window; each takes a prediction")
    most_per_place: int = Field(
        3, ge=1, description="earlier places that one place forms loops with, the most similar ones"
    )
    min_information: float = Field(
        2.4,
        ge=0,
        description="nats that a loop must be expected to tell the map, else it is not verified; a quarter more for "
        "further visits of one place (0: all are; a second loop of two windows tells 2.4)",
    )
    reach: int = Field(10, ge=1, le=15, description="frames on either side of a place that a verification looks at")


class CloudSettings(Stage):
    """Which points reach the cloud, and what is written of them."""

    voxel: float = Field(0.01, gt=0, lt=1, description="edge of a voxel as a share of the median depth")
    voxel_m: float | None = Field(None, gt=0, description="edge of a voxel in metres; needs a metric run or a scale")
    max_points: int | None = Field(None, ge=1, description="at most this many points in the merged cloud")
    per_pixel: float | None = Field(
        0.025,
        gt=0,
        description="points on a window's page for each pixel of its frames, at most; null or voxel_m: no limit",
    )
    min_confidence: float = Field(0.25, ge=0, lt=1, description="share of the least confident pixels left out")
    max_depth_step: float = Field(0.08, gt=0, description="relative depth step to a neighbour that counts as an edge")
    fusion: Annotated[Literal["off", "ghosts", "movers"], Off] = Field(
        "ghosts",
        description="ghosts: drop what better views see through; movers: what other views see through; off: neither",
    )
    views: int = Field(8, ge=1, le=32, description="views in which a point is looked for by the fusion")
    free_space: float = Field(
        0.03, gt=0, lt=1, description="share of its depth by which a view must see beyond a point to speak against it"
    )
    normals: bool = Field(False, description="each point with its surface normal, from the depth around it")
    format: Literal["ply", "laz", "tiles"] = Field(
        "ply", description="the merged cloud: cloud.ply, cloud.laz, or a folder tiles/ of LAZ files"
    )
    preview_points: int = Field(2_000_000, ge=1000, description="points of the preview while running")
    preview_every: int = Field(10, ge=1, description="windows between two previews")


class SplatsSettings(Stage):
    """Gaussian splats, whether they are kept and which; depth edges and what views see through: as in cloud."""

    gaussians: bool = Field(False, description="keep those of the model: da3-giant and da3nested-giant-large give them")
    degree: int = Field(2, ge=0, le=3, description="of the harmonics that tell colours by direction, at most; 0: none")
    min_opacity: float = Field(0.02, ge=0, lt=1, description="fainter ones are left out")
    min_confidence: float = Field(0.1, ge=0, lt=1, description="share of the least confident pixels left out")
    border: float = Field(0.03, ge=0, lt=0.5, description="share of a picture's side that is left out on each side")


class Settings(Stage):
    """All stages. Unknown keys and wrong types are refused by name; what is not set is as `model.quality` has it."""

    frames: FramesSettings = FramesSettings()
    camera: CameraSettings = CameraSettings()
    windows: WindowsSettings = WindowsSettings()
    model: ModelSettings = ModelSettings()
    scale: ScaleSettings = ScaleSettings()
    loops: LoopsSettings = LoopsSettings()
    cloud: CloudSettings = CloudSettings()
    splats: SplatsSettings = SplatsSettings()

    @model_validator(mode="after")
    def _cameras_without_loops(self) -> Settings:
        if self.camera.by_picture and self.loops.descriptor != "off":
            raise ValueError("camera.mixed and camera.cameras are for runs without loops: set loops.descriptor to off")
        return self

    @model_validator(mode="before")
    @classmethod
    def _by_quality(cls, tree: Any) -> Any:
        return with_quality(tree) if isinstance(tree, dict) else tree

    @classmethod
    def build(cls, tree: dict[str, Any]) -> Settings:
        """Validate a nested dictionary. Raises SettingsError with one sentence that names the first bad key."""
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise SettingsError(sentence(error, cls)) from None
