"""From what pixels showed to the regions that go with the camera: static edges, and the parts that they bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bars import black_bars
from .edges import Edges, static_edges
from .evidence import Evidence
from .outlines import Parts, parts_of

Bool = NDArray[np.bool_]

MIN_LOOKS = 14  # before which nothing is said: means of fewer looks are no evidence
# Shares of a part's outline: of `rim`, most of it unless the rest is known to stay; less of what the sky could be.
RIM_SHARE, TOP_RIM_SHARE, STAYS_SHARE = 0.6, 0.85, 0.6
CLOSED_SHARE, CLOSED_RIM = 0.85, 0.35  # of a part that no border of the image cuts
COMPLETE_SHARE, COMPLETE_RIM = 0.95, 0.02  # all of it stays, and both ends are rim: a bar along the motion
HARD_SHARE = 0.6  # of that outline which is hard, proven, or beside change: clouds are soft
LIKELY_RIM = 0.7  # of a part all of whose outline stays, as near as the corners around
# Shares of an island's outline: beside what changes; ends that are likely. Of one at the top, which may be sky:
ISLAND_SHARE, ISLAND_RIM = 0.8, 0.15
TOP_ISLAND_SHARE, TOP_ISLAND_RIM = 0.9, 0.85
PROVEN_SHARE = 0.4  # of the edges within a part that stay, those that are rim
LARGE_SHARE, LARGE_RIM, LARGE_PROVEN = 0.03, 0.4, 0.15  # of the image: chance doesn't close so long an outline
OPEN_SHARE = 0.002  # of the image; a flat part as large that is not bounded is scene
RESTLESS_PART = 0.25  # share of a part that may be hardly steady
GAP_SHARE = 0.85  # of a steady part's outline that must be found to fill it
KEPT_SHARE = 0.6  # of the outline of what was found that must be an edge that stays, to keep it unproven
AROUND_SHARE = 1.5  # of the deviation of a steady pixel, up to which a mixed pixel at a region's border belongs to it
MIN_AREA = 12  # pixels of a region: a letter of small text
MIN_EDGES = 0.02  # share of a region's pixels that must be static edges by themselves


def static_regions(evidence: Evidence, before: Bool) -> Bool:
    """Where the image goes with the camera [h,w]; nowhere until enough was seen.

    What was found `before` [h,w] stays until it is seen to change: a car that drives straight on shows no more of it.
    """
    if evidence.looks < MIN_LOOKS:
        return np.zeros(evidence.mean.shape, np.bool_)
    edges = static_edges(evidence)
    flat, textured = parts_of(edges.steady & ~edges.stays), parts_of(edges.steady)
    kept, enclosed, islands = _kept(before, edges), _enclosed(flat, edges), _islands(textured, edges)
    seeds = edges.seeds | kept | islands | _grown(enclosed) & edges.likely
    found = _tidy(_filled(seeds | enclosed | _bounded(flat, edges), edges.steady), seeds)
    mixed = ~edges.steady & (evidence.deviation <= AROUND_SHARE * edges.threshold)
    return found | _grown(found) & mixed | black_bars(evidence)


def _grown(part: Bool) -> Bool:
    import cv2

    return cv2.dilate(part.view(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _kept(before: Bool, edges: Edges) -> Bool:
    """What was found before and has not moved since: it is steady, and bounded by the same edges or by change still."""
    parts = parts_of(before & edges.steady)
    return parts.chosen(parts.bounded(edges.stays | edges.likely | edges.beside_change) >= KEPT_SHARE)


def _enclosed(flat: Parts, edges: Edges) -> Bool:
    """Flat parts all of whose outline stays while what is around moves: too far away to move is rarely all around.

    But clouds are; their edges are soft.
    """
    stays = flat.bounded(edges.stays | edges.likely) >= CLOSED_SHARE
    told = flat.bounded(edges.hard | edges.beside_change | edges.rim) >= HARD_SHARE
    return flat.chosen(flat.inside & stays & told & (flat.bounded(edges.likely) >= LIKELY_RIM))


def _islands(steady: Parts, edges: Edges) -> Bool:
    """Steady parts all around which the image changes, and whose ends had moved if they were as near as what is there.

    A straight drive proves them so, also where the scene could be too far away to move: what changes behind an edge
    that stays is farther away. The sky between two rows of houses has such an outline too, but for its lower end.
    """
    changes = steady.bounded(edges.beside_change) >= np.where(steady.at_top, TOP_ISLAND_SHARE, ISLAND_SHARE)
    likely = steady.bounded(edges.likely) >= np.where(steady.at_top, TOP_ISLAND_RIM, ISLAND_RIM)
    stays = steady.bounded(edges.stays | edges.likely) >= ISLAND_SHARE
    return steady.chosen(changes & likely & stays & steady.reached(edges.likely))


def _bounded(flat: Parts, edges: Edges) -> Bool:
    """The flat parts of whose outline, where it is not the image's border, enough is rim, and most an edge that stays.

    A part that does not touch the border, and all of whose outline stays, needs less of a rim, if that is at all its
    ends; so does one with edges of its own. The upper border bounds nothing: the sky reaches it.
    """
    rim, stays = flat.bounded(edges.rim), flat.bounded(edges.stays)
    enough = np.where(flat.at_top, TOP_RIM_SHARE, RIM_SHARE)
    complete = flat.inside & (stays >= COMPLETE_SHARE) & (rim >= COMPLETE_RIM) & flat.reached(edges.rim)
    closed = flat.inside & (stays >= CLOSED_SHARE) & (rim >= CLOSED_RIM)
    accepted = ((rim >= enough) & (stays >= STAYS_SHARE) | closed | complete) & _calm(flat, edges)
    open_parts = flat.chosen(~accepted & (flat.area >= OPEN_SHARE * edges.steady.size))  # a road, under what it bears
    return flat.chosen(accepted) | _bounded_textured(parts_of(edges.steady & ~open_parts), edges)


def _bounded_textured(parts: Parts, edges: Edges) -> Bool:
    large = parts.area >= LARGE_SHARE * edges.steady.size
    rim = parts.bounded(edges.rim) >= np.where(large, LARGE_RIM, RIM_SHARE)
    proven = parts.share_of(edges.stays, edges.rim) >= np.where(large, LARGE_PROVEN, PROVEN_SHARE)
    return parts.chosen(
        (parts.bounded(edges.stays) >= CLOSED_SHARE) & rim & proven & _calm(parts, edges) & ~parts.at_top
    )


def _calm(parts: Parts, edges: Edges) -> Bool:
    return parts.share_of(edges.steady, edges.restless) <= RESTLESS_PART


def _filled(found: Bool, steady: Bool) -> Bool:
    """With the steady parts that lie within what was found: flat, or with edges of which nothing is known."""
    import cv2

    count, labels = cv2.connectedComponents((steady & ~found).view(np.uint8), connectivity=4)
    grown = cv2.dilate(labels.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)
    ring = (grown > 0) & (labels == 0)
    share = np.bincount(grown[ring & found], minlength=count) / np.maximum(np.bincount(grown[ring], minlength=count), 1)
    gaps = share >= GAP_SHARE
    gaps[0] = False
    return found | gaps[labels]


def _tidy(found: Bool, seeds: Bool) -> Bool:
    """Without specks, and with pinholes closed."""
    import cv2

    closed = cv2.morphologyEx(found.view(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    edges = np.bincount(labels[seeds], minlength=count)
    kept = (stats[:, cv2.CC_STAT_AREA] >= MIN_AREA) & (edges >= MIN_EDGES * stats[:, cv2.CC_STAT_AREA])
    kept[0] = False
    return kept[labels]
