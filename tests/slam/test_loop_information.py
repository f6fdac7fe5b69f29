"""What a loop would tell the map: much where nothing ties two places, little where other visits do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from da3_stream.geometry import Sim3
from da3_stream.loops import expected_information
from da3_stream.posegraph import Edge
from da3_stream.settings import LoopsSettings
from da3_stream.slam.backend import Backend
from da3_stream.slam.edges import odometry_edge, pack_edge, unpack_edge
from da3_stream.slam.loop_counts import LoopCounts
from da3_stream.slam.loop_information import LoopInformation
from da3_stream.store import Scene, Submap
from da3_stream.types import LoopCandidate
from tests.worlds.pose_ring import ring

SPAN, DEPTH, PER_LAP = 50, 10.0, 12
RADIUS = 60.0  # m: submaps of 31 m
LOOK = LoopsSettings().min_information
ALIGNED = np.diag([1e4] * 3 + [1e6] * 3 + [1e5])  # of two windows, without the drift within
STRETCH = Sim3(1.0, np.eye(3), np.array([0.0, 0.0, 31.0]))  # of straight road, a submap


@dataclass
class Drive:
    """A road of submaps as a map that can be asked, with the pose graph of its joins and loops."""

    truth: list[Sim3]
    joins: dict[int, float] = field(default_factory=dict)  # confidence of single joins, by their later submap
    backend: Backend = field(default_factory=Backend)

    def __post_init__(self) -> None:
        pairs = zip(self.truth[:-1], self.truth[1:], strict=True)
        chain = [
            odometry_edge(k, k + 1, a.inverse() @ b, ALIGNED, self.joins.get(k + 1, 1.0))
            for k, (a, b) in enumerate(pairs)
        ]
        self.backend.add_edges(chain)
        submaps = [Submap(k, 0, (SPAN * k, SPAN * k + SPAN - 1), place) for k, place in enumerate(self.truth)]
        self.scene = Scene(submaps=tuple(submaps))
        poses = np.tile(np.eye(4)[:3], (SPAN, 1, 1))
        self.cameras = {
            k: SimpleNamespace(
                frame_indices=np.arange(SPAN * k, SPAN * k + SPAN), window_from_camera=poses, median_depth=DEPTH
            )
            for k in range(len(self.truth))
        }

    def loop(self, a: int, b: int, error: Sim3 | None = None) -> Edge:
        """What a look at submaps a and b would measure."""
        a_from_b = self.truth[a].inverse() @ self.truth[b] @ (error or Sim3.identity())
        return Edge(a, b, a_from_b, 0.8 * expected_information(Sim3.identity(), DEPTH), loop=True)

    def tie(self, *pairs: tuple[int, int]) -> None:
        self.backend.add_edges(self.loop(*pair) for pair in pairs)

    def nats(self, a: int, b: int, found: Sequence[Edge] = ()) -> float:
        """What a loop between the middles of two submaps would tell."""
        nats = LoopInformation(cast(Any, self), self.backend, np.inf).too_little(candidate(a, b), found)
        return np.inf if nats is None else nats

    def is_worth_a_look(self, a: int, b: int, rank: int, found: Sequence[Edge]) -> bool:
        asked = LoopInformation(cast(Any, self), self.backend, LOOK)
        return asked.too_little(replace(candidate(a, b), rank=rank), found) is None

    def submap_of(self, frame: int) -> int:
        return frame // SPAN


def candidate(a: int, b: int) -> LoopCandidate:
    return LoopCandidate(SPAN * a + SPAN // 2, SPAN * b + SPAN // 2, 0.9, 5)


def laps(count: float, **more: Any) -> Drive:
    return Drive(ring(round(PER_LAP * count), count, RADIUS), **more)


def test_every_place_of_a_second_lap_is_looked_at() -> None:
    drive = laps(2)
    for place in range(PER_LAP):
        assert drive.nats(place, PER_LAP + place) > LOOK
        drive.tie((place, PER_LAP + place))


def test_another_visit_tells_little_once_one_is_tied() -> None:
    drive = laps(3)
    drive.tie(*((place, PER_LAP + place) for place in range(PER_LAP)))
    third = 2 * PER_LAP + 5
    assert drive.nats(5, third) > LOOK and drive.nats(PER_LAP + 5, third) > LOOK
    found = [drive.loop(PER_LAP + 5, third)]
    assert drive.nats(5, third, found) < drive.nats(5, third) / 2
    drive.tie((PER_LAP + 4, third - 1), (PER_LAP + 5, third), (PER_LAP + 5, third))
    assert drive.nats(5, third) < 2 * LOOK and not drive.is_worth_a_look(5, third, 1, [])


def test_laps_cost_what_the_second_did() -> None:
    drive, looks, counts = laps(5), Counter[int](), LoopCounts()
    rng = np.random.default_rng(0)
    for submap in range(PER_LAP, 5 * PER_LAP):
        found: list[Edge] = []
        counts.begin_window(submap)
        for rank, lap in enumerate(rng.permutation(submap // PER_LAP)[:3]):
            earlier = submap % PER_LAP + PER_LAP * int(lap)
            if not counts.are_many_looks(rank) and drive.is_worth_a_look(earlier, submap, rank, found):
                counts.add_look((earlier, submap), True)
                looks[submap // PER_LAP + 1] += 1
                found.append(drive.loop(earlier, submap))
        drive.backend.add_edges(found)
    assert looks[2] == PER_LAP
    assert all(looks[lap] <= 1.2 * looks[2] for lap in (4, 5))


def there_and_on(kilometres: float) -> list[Sim3]:
    """Three laps, and a straight road after them."""
    truth = ring(3 * PER_LAP, 3, RADIUS)
    for _ in range(round(1000 * kilometres / 31)):
        truth.append(truth[-1] @ STRETCH)
    return truth


def test_after_a_kilometre_without_a_loop_one_is_looked_at() -> None:
    drive = Drive(there_and_on(1.0))
    drive.tie(*((place, place + PER_LAP) for place in range(2 * PER_LAP)))
    last = len(drive.truth) - 1
    assert drive.nats(PER_LAP, 3 * PER_LAP - 1) < drive.nats(PER_LAP, last)
    assert all(drive.nats(place, last) > 3 * LOOK for place in (3, PER_LAP, 3 * PER_LAP - 2))


def test_what_no_edges_tie_is_looked_at() -> None:
    drive = laps(3)
    drive.backend = Backend()
    drive.tie((5, PER_LAP + 5))
    assert drive.nats(5, 2 * PER_LAP + 5) == np.inf


@pytest.mark.parametrize("confidence", [0.05, 0.2])
def test_behind_a_weak_join_places_are_looked_at(confidence: float) -> None:
    third = 2 * PER_LAP + 5
    sure, weak = laps(3), laps(3, joins={third: confidence})
    for drive in (sure, weak):
        drive.tie(*((place, PER_LAP + place) for place in range(PER_LAP)))
        drive.tie(*((PER_LAP + place, third + place - 5) for place in (2, 3, 4)))
    assert weak.nats(5, third) > sure.nats(5, third) + 1 > LOOK


def test_a_loop_that_the_graph_rejects_does_not_count() -> None:
    drive = laps(3)
    drive.tie(*((place, PER_LAP + place) for place in range(PER_LAP)), *((k, k + PER_LAP) for k in (13, 15, 19, 21)))
    before = drive.nats(5, 2 * PER_LAP + 5)
    away = Sim3(1.0, np.eye(3), np.array([20.0, 0.0, 0.0]))
    false = drive.loop(PER_LAP + 5, 2 * PER_LAP + 5, away)
    believed = drive.nats(5, 2 * PER_LAP + 5, [false])
    drive.backend.add_edges([false])
    assert drive.backend.optimize(drive.scene).summaries[0]["rejected"] == [(PER_LAP + 5, 2 * PER_LAP + 5)]
    assert believed < 2 * LOOK < drive.nats(5, 2 * PER_LAP + 5) == pytest.approx(before, rel=0.2)


def test_a_map_that_contradicts_itself_is_looked_at() -> None:
    drive = laps(3)
    drive.tie(*((place, PER_LAP + place) for place in range(2 * PER_LAP)))
    calm = drive.nats(5, 2 * PER_LAP + 5)
    bent = [
        replace(s, world_from_window=s.world_from_window @ Sim3.exp([0.3 * (k % 3)] * 3 + [0.0] * 3 + [0.1 * (k % 2)]))
        for k, s in enumerate(drive.scene.submaps)
    ]
    drive.scene = replace(drive.scene, submaps=tuple(bent))
    assert calm < 2 * LOOK < drive.nats(5, 2 * PER_LAP + 5)


def test_a_map_that_was_gone_on_with_says_the_same() -> None:
    drive, again = laps(3), laps(3)
    drive.tie(*((place, PER_LAP + place) for place in range(2 * PER_LAP)))
    away = Sim3(1.0, np.eye(3), np.array([20.0, 0.0, 0.0]))
    drive.backend.add_edges([drive.loop(3, 20, away)])
    drive.scene = drive.backend.optimize(drive.scene).scene
    again.scene, again.backend = drive.scene, Backend()
    edges = [unpack_edge(pack_edge(edge)) for edge in drive.backend._edges]
    again.backend.restore(drive.backend.state(), edges, [], drive.scene)
    pairs = [(5, 29), (3, 20), (17, 31), (0, 35)]
    assert [drive.nats(*pair) for pair in pairs] == [again.nats(*pair) for pair in pairs]
