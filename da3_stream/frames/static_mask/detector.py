"""The detector of what goes with the camera: images in, one after the other; now and then another mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry.masks import unpack_mask
from ...types import UInt8
from .evidence import Evidence
from .regions import MIN_LOOKS, static_regions
from .scene_motion import MIN_TILES, CornerTracks, SceneFlow, find_corners, fit_flow, track_corners
from .standing import Standing
from .usual_motion import UsualMotion

Bool = NDArray[np.bool_]
Float32 = NDArray[np.float32]

WORKING_PIXELS = 320 * 240  # to which images are shrunk
LOOK_PX = 3.5  # the scene moves as far from one look to the next (of the shrunk image)
LOOKS_A_MASK = 5  # looks after which the mask is made anew
MIN_COVER = 0.08  # of an image's pixel by the region found; strokes of text are hardly a pixel wide when shrunk
LOST_SHARE = 0.3  # of the corners tracked, below which the reference is given up
MIN_AREA = 0.0015  # share of the image; less costs nothing and is more often scene than an overlay
HIDDEN_SHARE = 0.5  # of what never moves, of which the mask must be to explain it
MIN_CHANGE = 0.002  # share of the image; a mask that differs by less from the one before is that one,
SMALL_CHANGE = 0.05  # and by less than this share of what it masks


class StaticDetector:
    """Finds what stays in the image while the scene moves.

    Memory and time do not grow with the video. Feeding the same images gives the same masks, also across `state` and
    `restore`.
    """

    def __init__(self) -> None:
        self._evidence: Evidence | None = None
        self._standing, self._usual = Standing(), UsualMotion()
        self._unsure = False  # whether there are looks of which only what usually moves tells that the camera moves
        self._reference: UInt8 | None = None  # the last look, at half the working size
        self._corners = np.zeros((0, 2), np.float32)
        self._regions: Bool | None = None  # of the working image: what counts, and what was found last
        self._found: Bool | None = None
        self._mask: Bool | None = None

    @property
    def mask(self) -> Bool | None:
        """True where the image counts [H,W]; None where all of it does. It is the same array until it changes."""
        return self._mask

    @property
    def suspects(self) -> bool:
        """Whether most of the image may go with the camera, and a few more looks will tell."""
        if self._mask is not None:
            return False
        looks = 0 if self._evidence is None else self._evidence.looks
        return self._unsure and looks < MIN_LOOKS + 2 * LOOKS_A_MASK or self._usual.may_be_view

    @property
    def view_share(self) -> float | None:
        """The share of the image that alone moves, on and on, where the mask does not explain that all else stands: a
        camera that stands, or one that drives behind something that hides most of the image. None: it is not so."""
        share = self._usual.view_share
        hidden = 0.0 if self._mask is None else 1.0 - float(self._mask.mean())
        return share if share is not None and hidden < HIDDEN_SHARE * (1.0 - share) else None

    def feed(self, image: UInt8) -> None:
        """Look at the next image [H,W,3] RGB, all of one size."""
        gray, half = _shrunk(image)
        if self._evidence is None or self._reference is None:
            self._evidence = Evidence.empty(gray.shape)
            self._look(gray, half, None)
            return
        tracks = track_corners(self._reference, half, self._corners)
        self._usual.feed(tracks)
        flow = None if self._stands(tracks, half) else self._flow(tracks)
        if flow is None:
            if len(tracks.at) < LOST_SHARE * len(self._corners) or _has_moved(tracks):
                self._refer_to(half)
        elif 2 * flow.length >= LOOK_PX:
            self._look(gray, half, flow)
            looks = self._evidence.looks
            if looks >= MIN_LOOKS and looks % LOOKS_A_MASK == 0 and (self._usual.is_proven or not self._unsure):
                self._renew(image.shape[:2])

    def _stands(self, tracks: CornerTracks, half: UInt8) -> bool:
        """Whether the camera stands; before much was seen, what stands may as well go with the camera."""
        assert self._evidence is not None
        if self._evidence.looks < MIN_LOOKS:
            return False
        share = self._usual.moving_share(tracks) if self._usual.is_proven else tracks.moving_tiles()
        return self._standing.feed(share, half, self._hidden_half(half.shape))

    def _flow(self, tracks: CornerTracks) -> SceneFlow | None:
        """The scene's flow; also of a small part of the image, if that is what always moves."""
        fills = tracks.moving_tiles() >= MIN_TILES
        if _has_moved(tracks):
            self._usual.add(tracks)
        elif not fills:
            return None
        if fills:
            return fit_flow(tracks)
        if not self._usual.is_constant:
            self._doubt_looks()
        if not self._usual.explains(tracks):
            return None
        flow = fit_flow(tracks)
        self._unsure |= flow is not None
        return flow

    def _doubt_looks(self) -> None:
        """Forget what was seen if it may have been a camera that stands."""
        if self._unsure and self._evidence is not None and self._regions is None:
            self._evidence, self._unsure = Evidence.empty(self._evidence.mean.shape), False

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on, in numbers and arrays."""
        return {
            "evidence": None if self._evidence is None else self._evidence.state(),
            "standing": self._standing.state(),
            "usual": self._usual.state(),
            "unsure": self._unsure,
            "reference": self._reference,
            "regions": None if self._regions is None else np.packbits(self._regions),
            "found": None if self._found is None else np.packbits(self._found),
            "mask": None if self._mask is None else np.packbits(self._mask),
            "size": None if self._mask is None else self._mask.shape,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state as if never interrupted."""
        kept, reference = state["evidence"], state["reference"]
        self._evidence = None if kept is None else Evidence(**kept)
        self._standing.restore(state["standing"])
        self._usual.restore(state["usual"])
        self._unsure = state["unsure"]
        if reference is not None:
            self._refer_to(reference)
        if self._evidence is not None:
            shape = self._evidence.mean.shape
            self._regions, self._found = (
                None if packed is None else unpack_mask(packed, shape) for packed in (state["regions"], state["found"])
            )
        self._mask = None if state["size"] is None else unpack_mask(state["mask"], state["size"])

    def _hidden_half(self, shape: tuple[int, ...]) -> Bool | None:
        """What is known to go with the camera, at half the working size [h,w]."""
        return None if self._regions is None else self._regions[1::2, 1::2][: shape[0], : shape[1]]

    def _look(self, gray: UInt8, half: UInt8, flow: SceneFlow | None) -> None:
        assert self._evidence is not None
        self._evidence.add(gray, flow)
        self._refer_to(half)

    def _refer_to(self, half: UInt8) -> None:
        self._reference, self._corners = half, find_corners(half)

    def _renew(self, shape: tuple[int, ...]) -> None:
        """Make the mask [H,W] anew from the evidence; keep the old one where it hardly differs."""
        assert self._evidence is not None
        nothing = np.zeros(self._evidence.mean.shape, np.bool_)
        before = nothing if self._regions is None else self._regions
        last = nothing if self._found is None else self._found
        self._found = static_regions(self._evidence, before)
        self._regions = found = self._found & (before | last)
        if found.mean() < MIN_AREA:
            found = nothing
        mask = _enlarged(found, shape)
        old = np.ones(mask.shape, np.bool_) if self._mask is None else self._mask
        if (mask != old).mean() >= min(MIN_CHANGE, SMALL_CHANGE * (~mask).mean()) or not found.any():
            self._mask = mask if found.any() else None


def _has_moved(tracks: CornerTracks) -> bool:
    """Whether what moves has moved far enough for another look."""
    lengths = np.linalg.norm(tracks.displacement[tracks.moving], axis=1)
    return len(lengths) > 0 and float(np.median(lengths)) >= LOOK_PX / 2


def _shrunk(image: UInt8) -> tuple[UInt8, UInt8]:
    """The gray image at the working size, and at half of it."""
    import cv2

    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    factor = (WORKING_PIXELS / gray.size) ** 0.5
    if factor < 1:
        gray = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    half = cv2.resize(gray, (gray.shape[1] // 2, gray.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return gray, half


def _enlarged(found: Bool, shape: tuple[int, ...]) -> Bool:
    """The mask [H,W], True where nothing was found, of regions at the working size."""
    import cv2

    share = cv2.resize(found.astype(np.float32), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return share < MIN_COVER
