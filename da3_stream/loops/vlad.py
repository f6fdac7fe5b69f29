"""VLAD descriptors, which need no download: their vocabulary is learnt from the beginning of the video.

Root-SIFT (Arandjelovic and Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012),
whitened by its principal components, gathered around a small vocabulary (Jegou et al., "Aggregating local descriptors
into a compact image representation", CVPR 2010), each word's part normalized (Arandjelovic and Zisserman,
"All about VLAD", CVPR 2013). It is the local descriptors that are whitened: one window holds thousands of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry.keypoints import detect_inside
from ..geometry.masks import Mask, resize_mask
from ..types import Float32, UInt8, WindowGeometry
from .descriptor import Rows, all_rows, has_contrast, row_masks, unit_vectors, window_images

SIDE = 320  # longest side of the images from which SIFT is computed
KEYPOINTS = 300  # a frame
CONTRAST = 0.01  # of SIFT's keypoints; its own 0.04 finds none in smooth images
WORDS = 64
COMPONENTS = 64  # of a whitened descriptor
TRAINING_FRAMES = 20  # frames of a window, evenly spaced, from which the vocabulary is learnt
MIN_TRAINING_DESCRIPTORS = 20 * WORDS  # local descriptors, without which no vocabulary is learnt
ROUNDS = 15  # of k-means


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Whitening of root-SIFT (mean [128], map [128,C]) and words [K,C]."""

    mean: Float32
    whitened_from_root: Float32
    words: Float32

    def vlad(self, roots: Float32) -> Float32:
        """One vector [K*C] from local descriptors [n,128]: for every word the sum of the residuals nearest to it."""
        local = _rows_to_unit((roots - self.mean) @ self.whitened_from_root)
        nearest = np.argmin((self.words**2).sum(axis=1) - 2 * local @ self.words.T, axis=1)
        sums = np.zeros_like(self.words)
        np.add.at(sums, nearest, local - self.words[nearest])
        return _rows_to_unit(sums).reshape(-1)


class VladExtractor:
    """Learns its vocabulary from the first window that shows enough and keeps it in a file beside the index."""

    def __init__(self, path: Path) -> None:
        """`path` is the vocabulary's file (.npz): read where it is there, written when it is learnt."""
        self._path = path
        self._vocabulary = _read(path) if path.exists() else None

    def extract(self, window: WindowGeometry, rows: Rows | None = None) -> Float32:
        """See `DescriptorExtractor`; without a vocabulary no frame has a descriptor."""
        rows = all_rows(window) if rows is None else rows
        training = _training_rows(window) if self._vocabulary is None else rows[:0]
        both = np.union1d(rows, training)
        sifts = dict(zip(both.tolist(), _root_sifts(window, both), strict=True))
        if self._vocabulary is None:
            self._vocabulary = self._learnt([sifts[row] for row in training.tolist()])
        if self._vocabulary is None:
            return np.full((len(rows), WORDS * COMPONENTS), np.nan, np.float32)
        vectors = np.stack([self._vocabulary.vlad(sifts[row]) for row in rows.tolist()])
        return unit_vectors(vectors, has_contrast(window_images(window, rows)))

    def _learnt(self, of_frames: Sequence[Float32]) -> Vocabulary | None:
        roots = np.concatenate(of_frames)
        if len(roots) < MIN_TRAINING_DESCRIPTORS:
            return None
        vocabulary = learn(roots)
        part = self._path.with_suffix(".part.npz")
        with part.open("wb") as file:
            np.savez(file, **vars(vocabulary))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        return vocabulary


def _training_rows(window: WindowGeometry) -> Rows:
    """The rows from which a vocabulary is learnt."""
    rows = all_rows(window)
    return rows[:: max(1, len(rows) // TRAINING_FRAMES)]


def _root_sifts(window: WindowGeometry, rows: Rows) -> list[Float32]:
    """Root-SIFT of some rows of a window."""
    masks = row_masks(window, rows)
    return [root_sift(image, mask) for image, mask in zip(window.images[rows], masks, strict=True)]


def root_sift(image: UInt8, mask: Mask | None = None) -> Float32:
    """Root-SIFT [n,128] of an RGB image [H,W,3], of its strongest keypoints where the mask [H,W] lets it count."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shrink = SIDE / max(grey.shape)
    if shrink < 1:
        grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    if mask is None:
        _, sift = cv2.SIFT.create(KEYPOINTS, contrastThreshold=CONTRAST).detectAndCompute(grey, None)
    else:
        inside = resize_mask(mask, (grey.shape[1], grey.shape[0]))
        _, sift = detect_inside(cv2.SIFT.create(contrastThreshold=CONTRAST), grey, inside, KEYPOINTS)
    if sift is None:
        return np.zeros((0, 128), np.float32)
    return np.sqrt(sift / np.maximum(sift.sum(axis=1, keepdims=True), 1e-9)).astype(np.float32)


def learn(roots: Float32) -> Vocabulary:
    """Whitening and words from root-SIFT [n,128]; deterministic."""
    mean = roots.mean(axis=0, dtype=np.float32)
    values, vectors = np.linalg.eigh(np.cov((roots - mean).T.astype(np.float64)))
    values, vectors = values[::-1][:COMPONENTS], vectors[:, ::-1][:, :COMPONENTS]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(COMPONENTS)])
    whitened_from_root = (vectors / np.sqrt(np.maximum(values, 1e-3 * values[0]))).astype(np.float32)
    return Vocabulary(mean, whitened_from_root, _words(_rows_to_unit((roots - mean) @ whitened_from_root)))


def _words(points: Float32) -> Float32:
    """Centres of k-means, by faiss."""
    import faiss

    means = faiss.Kmeans(points.shape[1], WORDS, niter=ROUNDS, seed=1, min_points_per_centroid=1)
    means.train(np.ascontiguousarray(points))
    return np.asarray(means.centroids, np.float32)


def _rows_to_unit(rows: NDArray[np.floating]) -> Float32:
    """Rows normalized to length one; rows of zeros stay."""
    return (rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)).astype(np.float32)


def _read(path: Path) -> Vocabulary:
    with np.load(path) as file:
        return Vocabulary(**{name: file[name] for name in ("mean", "whitened_from_root", "words")})
