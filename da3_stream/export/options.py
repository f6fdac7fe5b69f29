"""The options of each format: a class each, every field with its default; unknown names are refused."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, Field, field_validator, model_validator

from ..camera_paths import PathName
from ..settings.validation import Off, Stage
from .film import Quality

Positive = Annotated[float, Field(gt=0)]
Fps = Annotated[float, Field(ge=0.1, le=1000)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Altitude = Literal["auto", "absolute", "relative", "clamp", "ellipsoid"]
Seeds = Annotated[int, Field(ge=0)]
CameraAxes = Literal["world", "upright"] | None


class FrameOptions(Stage):
    """The selection of frames: those whose index in the input is in [A, B), and of these every n-th.

    `camera_axes` are those of a format with cameras by default: its writer gets the run in the axes of the file
    (`PlacedReader`). The writers of others turn themselves what they write.
    """

    camera_axes: ClassVar[CameraAxes] = None
    joins_segments: ClassVar[bool] = False  # whether segments are put into one world; then the summary says so

    frames: tuple[int | None, int | None] = Field((None, None), description="A:B, numbers in the input, B left out")
    every: Count = 1

    @field_validator("frames", mode="before")
    @classmethod
    def _range(cls, value: object) -> object:
        """Read the text A:B, where either may be missing."""
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


class AxesOptions(FrameOptions):
    """The frame of reference of a file's coordinates; None: the format's default (docs/outputs.md)."""

    axes: Literal["world", "upright", "map"] | None = Field(
        None,
        description="world: of the first camera; upright: turned such that up is up; map: east, north, up, of a "
        "run that is located",
    )


class TrajectoryOptions(AxesOptions):
    """A trajectory file, of one segment: nothing ties segments to each other."""

    segment: Annotated[int, Field(ge=0)] | Literal["all"] | None = Field(
        None, description="number of the segment, or all in one file; default: that of most frames"
    )
    unknown: Literal["nan", "omit", "interpolate"] | None = Field(
        None,
        description="frames without a pose: lines of nan (default of kitti), no line (of the others), or a pose "
        "between those before and after, where these are of one segment",
    )

    camera_axes: ClassVar[CameraAxes] = "world"


class MapOptions(FrameOptions):
    """The camera path on the Earth (WGS84), of a georeferenced run."""

    altitude: Altitude = Field(
        "auto",
        description="heights; absolute: over the sea (EGM96); relative: over the first camera (KML); clamp: none, on "
        "the ground; ellipsoid: over WGS84's; default: absolute where PROJ has the grid, else clamp; of GeoJSON "
        "ellipsoid",
    )

    start_time: AwareDatetime | None = Field(
        None, description="when timestamp 0 was, with its zone (2026-05-01T09:30:00Z); without it there are no times"
    )


class VoxelOptions(AxesOptions):
    """What part of the scene, and the edge of a voxel: by default that of the run's settings; a smaller one brings no
    more detail back."""

    joins_segments: ClassVar[bool] = True

    crop: str | None = Field(
        None,
        description="box:X,Y,Z,X,Y,Z (two corners) or sphere:X,Y,Z,RADIUS in the coordinates of the file that is "
        "written, or object: what the cameras circle",
    )
    voxel_m: Positive | None = Field(None, description="edge of a voxel in metres; needs a run in metres")
    voxel: Annotated[float, Field(gt=0, lt=1)] | None = Field(None, description="the same as a share of median depth")

    @field_validator("crop")
    @classmethod
    def _region(cls, value: str | None) -> str | None:
        from ..cloud import read_region

        if value is not None:
            read_region(value)
        return value

    @model_validator(mode="after")
    def _one_voxel(self) -> VoxelOptions:
        if self.voxel_m is not None and self.voxel is not None:
            raise ValueError("voxel_m and voxel are two sizes of one thing: give one")
        return self


class CloudOptions(VoxelOptions):
    """The merged cloud; options that are None are as in the run's settings."""

    max_points: Count | None = None
    confidence: Share = Field(0.0, description="share of the run's least confident points left out")
    fusion: Annotated[Literal["off", "ghosts", "movers"] | None, Off] = None
    normals: bool | None = Field(None, description="needs a run with cloud.normals")


class LasOptions(CloudOptions):
    """The merged cloud for readers that take z for the height."""

    up: Literal["z", "camera"] = Field(
        "z",
        description="what axes=upright (z) and axes=world (camera) say, of a run that is not located",
    )


class PlainLasOptions(LasOptions):
    """LAS and LAZ without levels of detail."""

    version: Literal["1.2", "1.4"] = Field("1.4", description="of LAS: 1.2 for readers that stop at 1.3")

    @field_validator("version", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        """YAML takes 1.2 for a number."""
        return str(value) if isinstance(value, float) else value


class Tiles3dOptions(CloudOptions):
    """Tiles on the Earth, of a run that is located."""

    axes: Literal["map"] | None = Field(None, description="always those of the map")


class GlbOptions(CloudOptions):
    """Points, cameras, path and a camera that flies along it, y up; `max_points` is what browsers show well."""

    max_points: Count | None = 5_000_000
    cameras: Annotated[int, Field(ge=0)] = Field(200, description="frusta with their cameras, evenly over the run")


class SplatOptions(CloudOptions):
    """Gaussian splats: those that the run keeps, or initial ones of its cloud, for which alone are confidence,
    max_points and the voxel."""

    normals: None = Field(None, description="splats have none")
    source: Literal["run", "cloud"] | None = Field(
        None, description="run: the network's (run --gaussians); cloud: initial ones; default: run's where it has any"
    )
    degree: Annotated[int, Field(ge=0, le=3)] = Field(2, description="of colours by direction of sight, at most")
    splats_in_tile: Count = Field(4_000_000, description="about as many in a file, at most")


class PageOptions(FrameOptions):
    """The run as one HTML file for a browser, without a server."""

    joins_segments: ClassVar[bool] = True
    max_mb: Positive = Field(25.0, description="size of the file in millions of bytes, at most: points fill it")
    pictures: Annotated[int, Field(ge=0)] = Field(200, description="thumbnails of frames, evenly over the run, at most")


class RrdOptions(CloudOptions):
    """A recording for rerun: points, path, and the cameras in time."""

    camera_axes: ClassVar[CameraAxes] = "world"
    max_points: Count | None = 5_000_000
    pictures: bool = Field(False, description="also the pictures, of the input or as the run keeps them, as JPEG")
    picture_width: Count = Field(480, description="pixels of a picture, at most")


class MeshOptions(VoxelOptions):
    """A surface from the depth maps; its voxel is the cloud's."""

    confidence: Share = Field(0.25, description="share of the least confident depth left out")
    max_depth: Positive = Field(3.0, description="in median depths; what is seen from farther away is left out")
    min_views: Count = Field(3, description="frames that must have seen a place")
    encoding: Literal["glb", "ply", "obj"] = "ply"
    min_triangles: Count = Field(1000, description="smaller pieces are left out")


class ImageOptions(AxesOptions):
    """Formats that come with images."""

    camera_axes: ClassVar[CameraAxes] = "world"
    resolution: Literal["input", "model"] = Field("input", description="of the input, or as the model looked at it")
    undistort: bool = Field(False, description="remove the lens's distortion from the pictures")
    lens_models: ClassVar[tuple[str, ...]] = ()  # of calibrations that the format can say
    encoding: Literal["jpg", "png"] = Field("jpg", description="of pictures that are not files of the input already")


class TrackedOptions(ImageOptions):
    """Formats with points on tracks."""

    confidence: Share = Field(
        0.25, description="share of the least confident depth: no track begins, no seed lies there"
    )


class ColmapOptions(TrackedOptions):
    """A COLMAP model with its images."""

    lens_models: ClassVar[tuple[str, ...]] = ("OPENCV", "FULL_OPENCV", "OPENCV_FISHEYE")

    text: bool = Field(False, description="text files instead of binary ones")
    shared_camera: bool | None = Field(
        None, description="one for all frames, or one each; default: one if all are alike"
    )
    refine: bool = Field(False, description="bundle adjustment; the poses of before are kept beside")
    max_points: Count | None = Field(None, description="of those on tracks")
    seeds: Seeds = Field(0, description="points of the cloud beside those on tracks, each with the images that see it")
    stereo: bool = Field(
        False, description="depth and normal maps for stereo_fusion in stereo/; the pictures are undistorted then"
    )

    @model_validator(mode="before")
    @classmethod
    def _straight(cls, values: Any) -> Any:
        """Maps for fusion are those of pinholes."""
        return {"undistort": True, **values} if isinstance(values, dict) and values.get("stereo") else values

    @model_validator(mode="after")
    def _possible(self) -> ColmapOptions:
        if self.stereo and not self.undistort:
            raise ValueError("stereo needs pictures without distortion: leave undistort out")
        if self.refine and self.seeds:
            raise ValueError("refine would be held by seeds, which are no keypoints: give one of the two")
        return self


class NerfstudioOptions(ImageOptions):
    """transforms.json with images, depth maps and initial points."""

    camera_axes: ClassVar[CameraAxes] = "upright"
    lens_models: ClassVar[tuple[str, ...]] = ("OPENCV", "OPENCV_FISHEYE")

    depth: bool = True
    normals: bool = Field(False, description="normal maps, for DN-Splatter")
    max_points: Count = 1_000_000


class GaussianSplattingOptions(TrackedOptions):
    """The input of 3-D Gaussian splatting: images/, depths/ and sparse/0/; the images are always undistorted."""

    undistort: Literal[True] = True
    seeds: Seeds = Field(
        100_000,
        description="points of the cloud beside those on tracks, in points3D.bin, with the images that see them",
    )
    max_points: Count = Field(1_000_000, description="of points3D.ply")


class DepthOptions(FrameOptions):
    """A depth map a frame, with its confidence and, where the model gave one, its sky mask."""

    camera_axes: ClassVar[CameraAxes] = "world"
    encoding: Literal["tiff", "exr", "npy", "png"] = Field("tiff", description="float32, or png: 16 bits, 0 = none")
    png_scale: Positive = Field(1000.0, description="counts of a PNG per unit of depth")
    resolution: Literal["input", "model"] = "model"
    with_confidence: bool = True
    with_sky: bool = True


class MiniNpzOptions(AxesOptions):
    """What DA3's own tools write, without images."""

    camera_axes: ClassVar[CameraAxes] = "world"
    joins_segments: ClassVar[bool] = True


class NpzOptions(AxesOptions):
    """What DA3's own tools write, with images."""

    camera_axes: ClassVar[CameraAxes] = "world"
    joins_segments: ClassVar[bool] = True


class DepthImageOptions(FrameOptions):
    """Coloured inverse depth, one scale over the whole run."""

    beside: bool = Field(True, description="the picture beside its depth")
    resolution: Literal["input", "model"] = Field("model", description="size of each picture")
    colours: Literal["turbo", "inferno"] = "turbo"


class DepthVideoOptions(DepthImageOptions):
    """Coloured inverse depth as a video."""

    fps: Fps | None = Field(None, description="pictures a second; default: what the frames' times say")


class FlightOptions(FrameOptions):
    """A camera that flies through the scene of one segment, filmed; `frames` and `every` select the cameras that tell
    its path."""

    path: PathName = Field(
        "extend",
        description="original, smooth: a picture a frame; interpolate: through the cameras at constant speed; extend: "
        "along them smoothed, with a wander and a dolly zoom half-way; wander, dolly_zoom, orbit: at the middle one",
    )
    seconds: Positive | None = Field(
        None,
        description="how long; default: about as many pictures as cameras, 5 s around one; not of original, smooth",
    )
    fps: Fps | None = Field(
        None, description="pictures a second; default: 24, of original and smooth what the frames' times say"
    )
    size: tuple[Count, Count] | None = Field(
        None, description="WxH of the picture; default: that of the depth maps; another shape is cut from the middle"
    )
    quality: Quality = Field("high", description="of the coding: low, medium or high")
    depth: Literal["beside", "below", "none"] = Field("beside", description="where the coloured depth is shown")
    colours: Literal["turbo", "inferno"] = "turbo"
    degrees: Annotated[float, Field(gt=0, le=360)] = Field(
        360.0, description="of an orbit; less than a circle swings from side to side"
    )

    @field_validator("size", mode="before")
    @classmethod
    def _two_sides(cls, value: object) -> object:
        """Read the text WxH."""
        if not isinstance(value, str):
            return value
        sides = value.lower().split("x")
        if len(sides) != 2 or not all(side.isdecimal() for side in sides):
            raise ValueError(f"expected WxH with whole numbers, not {value!r}")
        return tuple(int(side) for side in sides)

    @model_validator(mode="after")
    def _has_a_length(self) -> FlightOptions:
        if self.seconds is not None and self.path in ("original", "smooth"):
            raise ValueError(f"the path {self.path} has a picture for each frame: give fps or every instead of seconds")
        return self


class FlythroughOptions(FlightOptions):
    """A film of the coloured points, or of the surface."""

    surface: Literal["points", "mesh"] = Field("points", description="mesh: what the format mesh writes by default")
    max_points: Count = Field(5_000_000, description="points, evenly over the cloud")
    confidence: Share = Field(0.0, description="share of the run's least confident points left out")

    @model_validator(mode="after")
    def _of_points(self) -> FlythroughOptions:
        given = {"max_points", "confidence"} & self.model_fields_set
        if self.surface == "mesh" and given:
            raise ValueError(f"{min(given)} is for points: leave it out, or surface=mesh")
        return self


class GsVideoOptions(FlightOptions):
    """A film of the Gaussian splats: those that the run keeps, or initial ones of its cloud."""

    max_splats: Count = Field(3_000_000, description="of more, those of every n-th frame are shown")
    device: str | None = Field(None, description="cpu or cuda; default: cuda where it is")


class FeatureOptions(FrameOptions):
    """Features of a network's layers as colours."""

    layers: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (), description="numbers of layers of the backbone, from 0; default: the last"
    )
    model: str | None = Field(None, description="of Depth Anything 3, a name or a folder; default: that of the run")
    device: str | None = Field(None, description="cpu, cuda, cuda:N or mps; default: the best")
    side: Count = Field(504, description="pixels of the longer side that the network looks at")
    fps: Fps | None = Field(None, description="pictures a second; default: what the frames' times say")

    @field_validator("layers", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        """A single number stands for one layer, a text for numbers with commas between."""
        if isinstance(value, str):
            return tuple(value.split(","))
        return (value,) if isinstance(value, int) else value

    @field_validator("layers")
    @classmethod
    def _each_once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(value))
