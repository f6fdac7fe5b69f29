"""windows/%06d.npz: the cameras of a submap's frames, and the depth and confidence of those that it owns.

Any reader of npz opens them. Entries: frame_indices [N], timestamps [N] (s), window_from_camera [N,4,4],
intrinsics [N,3,3] (pixels of the depth map), owned [N], source_size and depth_size (width, height), status,
frame_status [N or 0], median_depth, confidence_range [2], and for each owned frame depth_%06d and confidence_%06d by
source index (see quantise.py), where it is kept image_%06d: its image as the predictor took it, the bytes of a JPEG
file, and where the predictor tells it sky_%06d: which pixels are sky, eight in a byte (numpy.packbits of the mask row
by row, the rows joined without gaps; 1 = sky). Where images have masks, mask_%d, packed in the same way, is each
distinct one (1 = counts), mask_size its (width, height), and mask_of_frame [K] which one each owned frame has, -1 for
none. Where the gate left frames out after an owned one (or before the
first), left_out_index, left_out_timestamp, left_out_share and left_out_reason [M] tell which, and how far on the path
to the next owned frame. Where the poses were judged, pose_confidence [N] is the probability that each is right, and
witness_NAME [N] what it was judged by (see trust/witnesses.py). One entry is read without the others. Equal values
give equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.masks import Mask, unpack_mask
from ..types import Float32, LeftOut, UInt8
from .npz import opened_npz, write_npz
from .packed_masks import pack_masks, unpack_masks
from .quantise import (
    confidence_range,
    decode_confidence,
    decode_depth,
    decode_image,
    encode_confidence,
    encode_depth,
    encode_image,
)
from .run import Run
from .submap import SubmapCameras, SubmapFrames, check_shapes

_WITNESS, _IMAGE = "witness_", "image_"


def write_submap(run: Run, submap: int, frames: SubmapFrames) -> None:
    """Store a submap in one step. Raises StoreError if its arrays do not go together."""
    check_shapes(frames)
    bounds = confidence_range(frames.confidence)
    arrays = {
        "frame_indices": frames.frame_indices,
        "timestamps": frames.timestamps,
        "window_from_camera": frames.window_from_camera,
        "intrinsics": frames.intrinsics,
        "owned": frames.owned,
        "source_size": np.array(frames.source_size, np.int64),
        "depth_size": np.array(frames.depth_size, np.int64),
        "status": np.array(frames.status),
        "frame_status": np.array(frames.frame_status, np.str_),
        "median_depth": np.array(frames.median_depth),
        "confidence_range": np.array(bounds),
        **_left_out_arrays(frames.left_out),
        **_judgement_arrays(frames),
    }
    for k, index in enumerate(frames.frame_indices[frames.owned].tolist()):
        arrays[f"depth_{index:06d}"] = encode_depth(frames.depth[k], frames.median_depth)
        arrays[f"confidence_{index:06d}"] = encode_confidence(frames.confidence[k], bounds)
        if frames.images:
            arrays[image_entry(index)] = encode_image(frames.images[k])
        if frames.sky is not None:
            arrays[f"sky_{index:06d}"] = np.packbits(frames.sky[k])
    arrays |= pack_masks(frames.masks)
    write_npz(run.submap_path(submap), arrays.items(), stored=_IMAGE)  # JPEG gets no smaller


def read_cameras(run: Run, submap: int) -> SubmapCameras:
    """A submap without its pixels. Raises StoreError if its file is absent or damaged."""
    with opened_npz(run.submap_path(submap)) as entries:
        return cameras_of(entries)


def cameras_of(entries: Mapping[str, Any]) -> SubmapCameras:
    """A submap without its pixels, from the entries of its file."""
    return SubmapCameras(**_geometry_fields(entries))


def read_submap(run: Run, submap: int) -> SubmapFrames:
    """A submap with its pixels. Raises StoreError if its file is absent or damaged."""
    with opened_npz(run.submap_path(submap)) as entries:
        fields = _geometry_fields(entries)
        width, height = fields["depth_size"]
        frames = [frame_pixels(entries, index) for index in fields["frame_indices"][fields["owned"]].tolist()]
        depth, confidence = zip(*frames, strict=True) if frames else ((), ())
        empty = np.zeros((0, height, width), np.float32)
        return SubmapFrames(
            **fields,
            depth=np.stack(depth) if frames else empty,
            confidence=np.stack(confidence) if frames else empty,
            sky=_sky_of_all(entries, fields),
            masks=unpack_masks(entries),
            witnesses=_witnesses(entries),
        )


def read_witnesses(run: Run, submap: int) -> dict[str, Float32]:
    """What the poses of a submap were judged by, [N] each; nothing where nobody judged them.

    Raises StoreError if its file is absent or damaged.
    """
    with opened_npz(run.submap_path(submap)) as entries:
        return _witnesses(entries)


def read_frame(run: Run, submap: int, source_index: int) -> tuple[Float32, Float32]:
    """(depth, confidence) [H,W] of one owned frame, in the submap's units; no other frame's pixels are read.

    Raises KeyError if the submap does not own the frame, StoreError if the file is absent or damaged.
    """
    depth, confidence = read_frames(run, submap, [source_index])
    return depth[0], confidence[0]


def read_frames(run: Run, submap: int, source_indices: Sequence[int]) -> tuple[Float32, Float32]:
    """(depth, confidence) [K,H,W] of owned frames, at least one, as `read_frame` gives them."""
    with opened_npz(run.submap_path(submap)) as entries:
        missing = [index for index in source_indices if f"depth_{index:06d}" not in entries]
        pixels = [] if missing else [frame_pixels(entries, index) for index in source_indices]
    if missing:
        raise KeyError(f"node {submap} holds no depth of frame {missing[0]}")
    depth, confidence = zip(*pixels, strict=True)
    return np.stack(depth), np.stack(confidence)


def read_frame_and_sky(run: Run, submap: int, source_index: int) -> tuple[Float32, Float32, NDArray[np.bool_] | None]:
    """What `read_frame` and `read_sky` give of one owned frame, read together. Raises as `read_frame`."""
    with opened_npz(run.submap_path(submap)) as entries:
        if f"depth_{source_index:06d}" in entries:
            sky = _sky(entries, source_index, tuple(entries["depth_size"].tolist()))
            return (*frame_pixels(entries, source_index), sky)
    raise KeyError(f"node {submap} holds no depth of frame {source_index}")


def read_images(run: Run, submap: int, source_indices: Sequence[int]) -> list[UInt8]:
    """The images [h,w,3] RGB of owned frames, as the predictor took them but for what JPEG leaves out.

    Raises KeyError if the submap keeps none of one, StoreError if the file is absent or damaged.
    """
    with opened_npz(run.submap_path(submap)) as entries:
        missing = [index for index in source_indices if image_entry(index) not in entries]
        images = [] if missing else [decode_image(entries[image_entry(index)]) for index in source_indices]
    if missing:
        raise KeyError(f"node {submap} keeps no picture of frame {missing[0]}")
    return images


def read_jpeg(run: Run, submap: int, source_index: int) -> bytes:
    """The JPEG file that is stored of an owned frame. Raises as `read_images`."""
    with opened_npz(run.submap_path(submap)) as entries:
        name = image_entry(source_index)
        data: bytes | None = entries[name].tobytes() if name in entries else None
    if data is None:
        raise KeyError(f"node {submap} keeps no picture of frame {source_index}")
    return data


def image_entry(source_index: int) -> str:
    """The name of a frame's picture in its submap's file."""
    return f"{_IMAGE}{source_index:06d}"


def read_sky(run: Run, submap: int, source_index: int) -> NDArray[np.bool_] | None:
    """Which pixels [H,W] of an owned frame are sky, None where the predictor did not tell.

    Raises KeyError if the submap does not own the frame, StoreError if the file is absent or damaged.
    """
    with opened_npz(run.submap_path(submap)) as entries:
        if f"depth_{source_index:06d}" in entries:
            return _sky(entries, source_index, tuple(entries["depth_size"].tolist()))
    raise KeyError(f"node {submap} holds no depth of frame {source_index}")


def read_masks(run: Run, submap: int, source_indices: Sequence[int]) -> tuple[Mask | None, ...]:
    """The masks [h,w] of the images of owned frames, True where they count; None for a frame of which all counts.

    Raises KeyError if the submap does not own one, StoreError if the file is absent or damaged.
    """
    with opened_npz(run.submap_path(submap)) as entries:
        owned = entries["frame_indices"][entries["owned"]].tolist()
        masks = unpack_masks(entries) or (None,) * len(owned)
    of_frame = dict(zip(owned, masks, strict=True))
    return tuple(of_frame[index] for index in source_indices)


def _sky_of_all(entries: Mapping[str, Any], fields: Mapping[str, Any]) -> NDArray[np.bool_] | None:
    """Sky of all owned frames [K,H,W], None where one is missing."""
    per_frame = [_sky(entries, k, fields["depth_size"]) for k in fields["frame_indices"][fields["owned"]].tolist()]
    masks = [mask for mask in per_frame if mask is not None]
    return np.stack(masks) if masks and len(masks) == len(per_frame) else None


def _sky(entries: Mapping[str, Any], index: int, size: tuple[int, int]) -> NDArray[np.bool_] | None:
    if f"sky_{index:06d}" not in entries:
        return None
    width, height = size
    return unpack_mask(entries[f"sky_{index:06d}"], (height, width))


def frame_pixels(entries: Mapping[str, Any], index: int) -> tuple[Float32, Float32]:
    """(depth, confidence) [H,W] of an owned frame from the entries of its submap's file."""
    low, high = entries["confidence_range"].tolist()
    depth = decode_depth(entries[f"depth_{index:06d}"], float(entries["median_depth"]))
    return depth, decode_confidence(entries[f"confidence_{index:06d}"], (low, high))


def _geometry_fields(entries: Mapping[str, Any]) -> dict[str, Any]:
    arrays = ("frame_indices", "timestamps", "window_from_camera", "intrinsics", "owned")
    return {
        **{name: entries[name] for name in arrays},
        "source_size": tuple(entries["source_size"].tolist()),
        "depth_size": tuple(entries["depth_size"].tolist()),
        "status": str(entries["status"]),
        "frame_status": tuple(entries["frame_status"].tolist()),
        "median_depth": float(entries["median_depth"]),
        "left_out": _left_out(entries),
        "pose_confidence": entries.get("pose_confidence"),
    }


def _judgement_arrays(frames: SubmapFrames) -> dict[str, NDArray[Any]]:
    judged = {} if frames.pose_confidence is None else {"pose_confidence": frames.pose_confidence}
    return judged | {_WITNESS + name: values for name, values in frames.witnesses.items()}


def _witnesses(entries: Mapping[str, Any]) -> dict[str, Float32]:
    return {name.removeprefix(_WITNESS): entries[name] for name in entries if name.startswith(_WITNESS)}


def _left_out_arrays(left_out: Sequence[LeftOut]) -> dict[str, NDArray[Any]]:
    if not left_out:
        return {}
    return {
        "left_out_index": np.array([entry.index for entry in left_out], np.int64),
        "left_out_timestamp": np.array([entry.timestamp for entry in left_out], np.float64),
        "left_out_share": np.array([entry.share for entry in left_out], np.float64),
        "left_out_reason": np.array([entry.reason for entry in left_out], np.str_),
    }


def _left_out(entries: Mapping[str, Any]) -> tuple[LeftOut, ...]:
    if "left_out_index" not in entries:
        return ()
    columns = [entries[f"left_out_{name}"].tolist() for name in ("index", "timestamp", "share", "reason")]
    return tuple(LeftOut(*row) for row in zip(*columns, strict=True))
