"""From the correspondences of a window to its cameras: those of a camera that moves, that only turns, that stands."""

from __future__ import annotations

from dataclasses import replace

from ...types import Status
from .geometry import CameraSolution
from .mapping.assemble import WindowCameras, assemble, static_cameras
from .mapping.calibration import Calibration
from .mapping.keyframe_cameras import Keyframes, cameras_between
from .mapping.lens_switch import lens_switches
from .mapping.lens_watch import watch_lens
from .mapping.solve import Solution, Solver, ThinGaps
from .mapping.turned_between import turn_of_frames
from .mapping.turned_cameras import turned_cameras
from .mapping.turned_window import solve_turning
from .mapping.turning_lens import OF_FRAMES, OF_KEYFRAMES, Turns, TurnScale, find_turns
from .mapping.witnesses import MappingEvidence, mapping_witnesses
from .matching.correspondences import Correspondences
from .processes.workers import Workers


def standing_cameras(count: int, calibration: Calibration) -> CameraSolution:
    """`count` frames of a camera that stands."""
    return CameraSolution(static_cameras(count, Status.HELD, "the camera stands"), calibration.lens, 0)


def solve_cameras(
    workers: Workers, correspondences: Correspondences, size: tuple[int, int], calibration: Calibration
) -> tuple[CameraSolution, Calibration]:
    """Cameras of a window of images of (width, height), and the calibration after it."""
    solver = Solver(workers, correspondences, size)
    turns = _find_turns(solver, correspondences, calibration, size, OF_FRAMES)
    if turns.runs:
        turned = solve_turning(solver, turns, correspondences, size)
        return CameraSolution(turned.cameras, turned.lens, turned.flow_stride), turned.calibration
    solution = solver.solve(calibration)
    found = _assembled(solution, correspondences, size)
    return _with_lens_watched(workers, found, solution, correspondences, size), solution.calibration


def solve_keyframe_cameras(
    workers: Workers,
    correspondences: Correspondences,
    keyframes: Keyframes,
    size: tuple[int, int],
    calibration: Calibration,
) -> tuple[CameraSolution, Calibration] | ThinGaps | None:
    """The same from the correspondences of its key frames alone, as long as these leave no doubt: a camera that turns
    throughout, or moves throughout, one model of all of them, one lens, and nothing that calls for a second opinion.
    None otherwise, or where they only hold together by too few points."""
    solver = Solver(workers, correspondences, size)
    turns = _find_turns(solver, correspondences, calibration, size, OF_KEYFRAMES)
    if turns.runs:
        return _turned_throughout(turns, keyframes, size)
    solution = solver.solve_undoubted(calibration)
    if not isinstance(solution, Solution):
        return solution
    mapped = assemble(solution.models, (), len(correspondences.xy))
    evidence = MappingEvidence(mapped, solution, correspondences, size)
    found = CameraSolution(cameras_between(evidence, keyframes), solution.lens, solution.flow_stride())
    found = _with_lens_watched(workers, found, solution, correspondences, size)
    return None if found.lens_changes else (found, solution.calibration)


def _turned_throughout(
    turns: Turns, keyframes: Keyframes, size: tuple[int, int]
) -> tuple[CameraSolution, Calibration] | None:
    """Cameras of all frames where the key frames are one turn; None where they are not, or contradict a lens that was
    given, or where the frames between cannot be told from them."""
    if turns.contradict_given or not turns.runs[0].fills(len(keyframes.rows)):
        return None
    solution = turn_of_frames(turns.solutions[0], keyframes, turns.lens, size)
    return None if solution is None else (CameraSolution(turned_cameras(solution), turns.lens, 0), turns.calibration)


def solve_pair_cameras(
    workers: Workers, correspondences: Correspondences, size: tuple[int, int], calibration: Calibration, split_row: int
) -> CameraSolution:
    """Cameras of two places, the second from `split_row` on; they calibrate nothing."""
    solution = Solver(workers, correspondences, size).solve_pair(calibration, split_row)
    return _assembled(solution, correspondences, size)


def _find_turns(
    solver: Solver, correspondences: Correspondences, calibration: Calibration, size: tuple[int, int], scale: TurnScale
) -> Turns:
    found = correspondences
    return find_turns(found.xy, solver.keypoint_views, found.of_keypoints(), calibration, size, scale)


def _assembled(solution: Solution, correspondences: Correspondences, size: tuple[int, int]) -> CameraSolution:
    """One pose for every row, with what the mapping says for and against it."""
    cuts = solution.quality.cuts() if solution.models else ()
    cameras: WindowCameras = assemble(solution.models, cuts, len(correspondences.xy))
    witnesses = mapping_witnesses(MappingEvidence(cameras, solution, correspondences, size))
    cameras = replace(cameras, notes=(*solution.notes, *cameras.notes), witnesses=witnesses)
    return CameraSolution(cameras, solution.lens, solution.flow_stride())


def _with_lens_watched(
    workers: Workers,
    found: CameraSolution,
    solution: Solution,
    correspondences: Correspondences,
    size: tuple[int, int],
) -> CameraSolution:
    """The same, with the lens being asked about, while depth is worked on."""
    if not solution.models:
        return found
    switches = lens_switches(correspondences, size[0])
    reading = workers.submit(watch_lens, solution.models[0], correspondences.xy, solution.lens, size, bool(switches))
    return replace(found, reading=reading, switches=switches)
