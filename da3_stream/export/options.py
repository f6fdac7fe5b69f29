"""What can be asked of each format: one class each, every field with its default; unknown names are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ..settings import Stage

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class FrameOptions(Stage):
    """Which frames: those of the run whose number in the input lies in [A, B), and of these every n-th."""

    frames: tuple[int | None, int | None] = Field((None, None), description="A:B, numbers in the input, B left out")
    every: Count = 1

    @field_validator("frames", mode="before")
    @classmethod
    def _range(cls, value: object) -> object:
        """Also as the text A:B, where either may be missing."""
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(":")]
        if len(parts) != 2 or not all(part.isdecimal() or not part for part in parts):
            raise ValueError(f"expected A:B with whole numbers, or one of them, not {value!r}")
        return tuple(int(part) if part else None for part in parts)

    @model_validator(mode="after")
    def _ordered(self) -> FrameOptions:
        first, end = self.frames
        if first is not None and end is not None and end <= first:
            raise ValueError(f"frames {first}:{end} holds none: B must be above A")
        return self


class TrajectoryOptions(FrameOptions):
    """A trajectory file."""


class CloudOptions(FrameOptions):
    """The merged cloud; what is not given stays as the run's settings say."""

    voxel_m: Positive | None = Field(None, description="edge of a voxel in metres")
    max_points: Count | None = None
    confidence: Share | None = Field(None, description="share of the least confident points left out")
    fusion: Literal["off", "ghosts", "movers"] | None = None
    normals: bool | None = None


class GlbOptions(CloudOptions):
    """Points, camera frusta and path; memory is bounded by the number of points."""

    max_points: Count | None = 5_000_000
    cameras: Annotated[int, Field(ge=0)] = Field(200, description="frusta, evenly over the run")


class RrdOptions(CloudOptions):
    """A recording for rerun."""

    max_points: Count | None = 5_000_000
    pictures: bool = True


class MeshOptions(FrameOptions):
    """A surface from the depth maps."""

    voxel_m: Positive | None = Field(None, description="edge of a voxel in metres; default by the scene's depth")
    confidence: Share = 0.25
    encoding: Literal["glb", "ply", "obj"] = "ply"
    min_triangles: Count = Field(1000, description="smaller pieces are left out")


class PictureOptions(FrameOptions):
    """Formats that come with pictures."""

    resolution: Literal["input", "model"] = Field("input", description="of the input, or as the model looked at it")
    undistort: bool = Field(False, description="remove the lens's distortion from the pictures")
    encoding: Literal["jpg", "png"] = Field("jpg", description="of pictures that are not files of the input already")


class ColmapOptions(PictureOptions):
    """A COLMAP model with its pictures."""

    text: bool = Field(False, description="text files instead of binary ones")
    shared_camera: bool | None = Field(
        None, description="one for all frames, or one each; default: one if all are alike"
    )
    refine: bool = Field(False, description="bundle adjustment; the poses of before are kept beside")
    confidence: Share = Field(0.25, description="share of the least confident depth on which no track begins")
    max_points: Count | None = None


class NerfstudioOptions(PictureOptions):
    """transforms.json with pictures, depth maps and points to begin with."""

    depth: bool = True
    max_points: Count = 1_000_000


class SplatOptions(PictureOptions):
    """images/ and sparse/0/ as trainers of Gaussian splats take them; pictures are always free of distortion."""

    undistort: Literal[True] = True
    confidence: Share = Field(0.25, description="share of the least confident depth on which no track begins")
    max_points: Count = Field(1_000_000, description="of points3D.ply; points3D.bin holds those on tracks")


class DepthOptions(FrameOptions):
    """A depth map a frame, with its confidence and, where the model gave one, its mask of the sky."""

    encoding: Literal["tiff", "exr", "npy", "png"] = Field("tiff", description="png: 16 bits, 0 = none")
    png_scale: Positive = Field(1000.0, description="counts of a PNG per unit of depth")
    resolution: Literal["input", "model"] = "model"
    with_confidence: bool = True


class NpzOptions(FrameOptions):
    """What DA3's own tools write."""


class DepthPictureOptions(FrameOptions):
    """Coloured inverse depth, one scale over the whole run."""

    beside: bool = Field(True, description="the picture beside its depth")


class DepthVideoOptions(DepthPictureOptions):
    """The same as a film."""

    fps: Positive | None = Field(None, description="pictures a second; default that of the input")
