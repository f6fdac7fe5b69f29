"""CPU seconds a frame beside ORB-SLAM3's, which were measured once on another machine.

Its figures are those of its row of lower ATE (quiet runs, camera's clock at half speed, 2000 features on streets, 1500
indoors), beside this package's own of the same days at commit 648bd41. How much faster or slower this machine is than
that one is what the old build takes here over what it took there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.tables import Column, Row, Table

from .cases import GIVEN, Case
from .comparison import Pair

MOST = 2.0  # times ORB-SLAM3's
ENOUGH = 2  # clips


@dataclass(frozen=True)
class Peer:
    """CPU seconds a frame on a clip with its intrinsics: of ORB-SLAM3, its ATE in %, and of this package there."""

    orb_slam3: float
    ate_percent: float
    ours: float | None  # None: not measured there


PEERS = {
    "kitti06_0-50": Peer(0.109, 0.055, 0.584),
    "kitti07_0-159": Peer(0.095, 0.263, 0.52),
    "kitti00_c1018": Peer(0.119, 1.49, None),
    "hololens_000": Peer(0.041, 9.3, 0.64),
}

COLUMNS = (
    Column("clip", "clip"),
    Column("old there", "old_there", "{:.3f}"),
    Column("old here", "old_here", "{:.3f}"),
    Column("here/there", "factor", "{:.2f}"),
    Column("ORB-SLAM3 there", "orb_there", "{:.3f}"),
    Column("as if here", "orb_here", "{:.3f}"),
    Column("ours", "ours", "{:.3f}"),
    Column("ours / ORB-SLAM3", "ratio", "{:.2f}"),
    Column("its ATE %", "orb_ate", "{:.3f}"),
    Column("our ATE %", "our_ate", "{:.3f}"),
)


def peer_table(cases: Sequence[Case], rows: Sequence[Row], pair: Pair) -> Table:
    """CPU seconds a frame of the judged build beside ORB-SLAM3's, on the clips that have both; `rows` are the cases'.

    A clip that was not measured there has the median factor of the others.
    """
    found = [_row(c.subject.name, row) for c, row in zip(cases, rows, strict=True) if _has_peer(c, row)]
    factors = [row["factor"] for row in found if row["factor"] is not None]
    for row in found:
        row["factor"] = row["factor"] or (median(factors) if factors else None)
        if row["factor"]:
            row["orb_here"] = row["factor"] * row["orb_there"]
            row["ratio"] = row["ours"] / row["orb_here"]
    title = (
        f"CPU seconds a frame of {pair.second} beside ORB-SLAM3 (asked for: at most {MOST:g} times on {ENOUGH} clips)"
    )
    return Table(title, COLUMNS, found)


def verdict(table: Table) -> str:
    """On how many clips it holds."""
    ratios = [row["ratio"] for row in table.rows if row.get("ratio") is not None]
    holds = sum(ratio <= MOST for ratio in ratios)
    return f"{holds} of {len(ratios)} clips: {'yes' if holds >= ENOUGH else 'NO'}"


def _has_peer(case: Case, row: Row) -> bool:
    return case.camera == GIVEN and case.subject.name in PEERS and row["cpu_s_second"] is not None


def _row(clip: str, row: Row) -> Row:
    peer, frames = PEERS[clip], row["frames"]
    here = row["cpu_s_first"] / frames if row["cpu_s_first"] else None
    return {
        "clip": row["clip"],
        "old_there": peer.ours,
        "old_here": here,
        "factor": here / peer.ours if here and peer.ours else None,
        "orb_there": peer.orb_slam3,
        "ours": row["cpu_s_per_frame"],
        "orb_ate": peer.ate_percent,
        "our_ate": row["ate_second"],
    }
