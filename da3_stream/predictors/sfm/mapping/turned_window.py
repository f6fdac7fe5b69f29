"""A window in which the camera turns, for a while or throughout: the rest is mapped alone, the turns are put in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ....geometry.lens import Lens
from ..matching.correspondences import Correspondences
from .assemble import WindowCameras
from .calibration import Calibration
from .solve import Solver
from .turned_cameras import assemble_joined, insert_turns, mapped_rows, turn_joins, turned_cameras, turns_alone
from .turning_lens import Turns
from .witnesses import MappingEvidence, mapping_witnesses

LEAST_MAPPED = 6  # rows beside a turn: fewer make a map of accidents


@dataclass(frozen=True, eq=False)
class TurningSolution:
    """Cameras of a window, the lens they hold for, how far apart frames are for dense depth, and the calibration
    after it."""

    cameras: WindowCameras
    lens: Lens
    flow_stride: int
    calibration: Calibration


def solve_turning(
    solver: Solver, turns: Turns, correspondences: Correspondences, size: tuple[int, int]
) -> TurningSolution:
    """The cameras of a window of (width, height) with these turns; `solver` is that of all of its rows."""
    solution = _solve(solver, turns, correspondences, size)
    if not turns.contradict_given:
        return solution
    return replace(solution, cameras=replace(solution.cameras, contradiction=_contradiction(turns, size)))


def _contradiction(turns: Turns, size: tuple[int, int]) -> str:
    seen, given = (100 * lens.fx / size[0] for lens in (turns.lens, turns.calibration.lens))
    return (
        f"where the camera turns, the images fit a focal length of {seen:.0f} % of their width, not {given:.0f} % "
        "as given: are these the intrinsics of this lens and resolution?"
    )


def _solve(solver: Solver, turns: Turns, correspondences: Correspondences, size: tuple[int, int]) -> TurningSolution:
    count = len(correspondences.xy)
    rows = mapped_rows(turns.runs, count)
    if not len(rows):
        return TurningSolution(turned_cameras(turns.solutions[0]), turns.lens, 0, turns.calibration)
    solution = solver.restricted_to(rows).solve(turns.calibration) if len(rows) >= LEAST_MAPPED else None
    if solution is None or not solution.models:
        cameras = turns_alone(turns.pairs(), count, f"the other {len(rows)} could not be mapped")
        return TurningSolution(cameras, turns.lens, 0, turns.calibration)
    pairs = turns.under(solution.lens, correspondences.xy, solver.keypoint_views).pairs()
    mapped = assemble_joined(solution.models, solution.quality.cuts(), turn_joins(pairs, rows), len(rows))
    evidence = MappingEvidence(mapped, solution, correspondences.rows(np.asarray(rows)), size)
    notes = (*solution.notes, *mapped.notes)
    mapped = replace(mapped, notes=notes, witnesses=mapping_witnesses(evidence))
    cameras = insert_turns(mapped, rows, pairs, count)
    return TurningSolution(cameras, solution.lens, solution.flow_stride(), solution.calibration)
