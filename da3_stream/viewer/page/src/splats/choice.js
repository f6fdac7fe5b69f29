/** Which frames' splats are shown: those nearest to the eye, and of each so many that the eye sees several frames. */
import { distance } from "../tables/float64.js";

/** The most splats of a picture, whatever the run holds. */
export const MOST_SPLATS = 400_000;
const LEAST_FRAMES = 16; // that share them
const MOST_OF_FRAME = 1 << 18; // of an answer

/**
 * @typedef {object} Wanted
 * @property {number} row @property {number} most splats of it @property {number} revision of its splats
 */

/**
 * @param {object[]} submaps of a state @param {import("../tables/frame_table.js").FrameTable} table
 * @param {number[]} eye @param {number} budget
 * @returns {Wanted[]} the nearest first
 */
export function chooseFrames(submaps, table, eye, budget = MOST_SPLATS) {
  const withSplats = new Map(submaps.filter(({ splats }) => splats > 0).map((submap) => [submap.id, submap]));
  const frames = [];
  const counts = new Map();
  for (let row = 0; row < table.count; row++) {
    if (!withSplats.has(table.submap[row]) || !table.hasCamera(row)) continue;
    frames.push({ row, away: distance(table.centre(row), eye) });
    counts.set(table.submap[row], (counts.get(table.submap[row]) ?? 0) + 1);
  }
  const most = mostOfFrame(frames.length, sumOf(withSplats.values()), budget);
  const typical = ({ row }) => withSplats.get(table.submap[row]).splats / counts.get(table.submap[row]);
  frames.sort((a, b) => a.away - b.away);
  let left = budget;
  const wanted = frames.filter((frame) => (left -= Math.min(most, typical(frame))) > -1);
  return wanted.map(({ row }) => ({ row, most, revision: withSplats.get(table.submap[row]).splats_revision }));
}

/** All of them where all fit. */
function mostOfFrame(frames, total, budget) {
  if (total <= budget) return MOST_OF_FRAME;
  return Math.min(MOST_OF_FRAME, Math.floor(Math.max(budget / LEAST_FRAMES, budget / frames)));
}

const sumOf = (submaps) => [...submaps].reduce((sum, { splats }) => sum + splats, 0);
