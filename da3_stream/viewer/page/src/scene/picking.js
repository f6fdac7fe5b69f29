/** Which point or camera lies under a place of the screen: exact, from the points themselves, in double precision. */
import { rotate, conjugate } from "../tables/float64.js";
import { ROUND_PIXELS } from "./shaders.js";

/** Where no point covers the pointer, those beside it within so many pixels count. */
const BESIDE_PIXELS = 6;
/** Of the surface that is seen the point nearest to the pointer is taken, within so many pixels ... */
const NEXT_PIXELS = 2;
/** ... and at most so many times as far away as what covers the pointer ... */
const SURFACE = 1.5;
/** ... where a pixel counts as this share of the distance. */
const NEXT_SHARE = 0.05;

/**
 * @typedef {object} Rule which points count, and which of them wins
 * @property {(node: object, depth: number, scale: number) => number} reach pixels from the pointer
 * @property {(depth: number, offset: number) => number} rank the least wins
 * @property {number} farthest depth
 */

/** What is drawn at the pointer. @param {(node: object, depth: number, scale: number) => number} pixels of a point */
export function covering(pixels) {
  return { reach: (...point) => pixels(...point) / 2, rank: (depth) => depth, farthest: Infinity };
}

/** The point next to the pointer on the surface that is seen there. @returns {Rule} */
export function onSurface(depth) {
  return { reach: () => NEXT_PIXELS, rank: (z, offset) => z * (1 + NEXT_SHARE * offset), farthest: SURFACE * depth };
}

/** What is nearest beside the pointer; a pixel counts as a hundredth of the distance. @returns {Rule} */
export function beside() {
  return { reach: () => BESIDE_PIXELS, rank: (depth, offset) => depth * (1 + 0.01 * offset), farthest: Infinity };
}

/**
 * @typedef {object} Ray
 * @property {number[]} eye world
 * @property {number[]} right @property {number[]} up @property {number[]} forward axes of the view, of length one
 * @property {number} focal pixels @property {number} x @property {number} y pixels from the middle, y upwards
 */

/** Rows [3,4] of view_from_submap for a frame: rotation * scale, and translation relative to the eye. */
function viewFromSubmap(table, row, ray) {
  const scale = table.scale[row];
  const q = table.rotation.subarray(4 * row, 4 * row + 4);
  const t = [0, 1, 2].map((axis) => table.translation[3 * row + axis] - ray.eye[axis]);
  return [ray.right, ray.up, ray.forward].flatMap((axis) => {
    const turned = rotate(conjugate(q), axis);
    return [...turned.map((value) => value * scale), axis[0] * t[0] + axis[1] * t[1] + axis[2] * t[2]];
  });
}

/** True where the cone of so many pixels around a ray meets a sphere. */
export function meets(ray, centre, radius, reach) {
  const away = [centre[0] - ray.eye[0], centre[1] - ray.eye[1], centre[2] - ray.eye[2]];
  const along = (axis) => axis[0] * away[0] + axis[1] * away[1] + axis[2] * away[2];
  const depth = along(ray.forward);
  if (depth < -radius) return false;
  const [x, y] = [along(ray.right) - (ray.x / ray.focal) * depth, along(ray.up) - (ray.y / ray.focal) * depth];
  const slant = Math.hypot(1, ray.x / ray.focal, ray.y / ray.focal);
  return Math.hypot(x, y) <= radius * slant + ((Math.max(0, depth) + radius) * reach) / ray.focal;
}

/**
 * The nearest of a node's points that a ray meets by a rule.
 * @returns {{depth: number, rank: number, row: number, inSubmap: number[], colour: number[]}|null} the least rank wins
 */
export function pickInNode(node, points, table, ray, rule, accepts) {
  const half = node.size / 2;
  const step = node.size / 65535;
  const [cx, cy, cz] = [node.centre[0] - half, node.centre[1] - half, node.centre[2] - half];
  const { place, colour } = node.block;
  const matrices = node.submap.rows.map(() => null);
  let best = null;
  for (let k = 0; k < points; k++) {
    const local = place[4 * k + 3];
    const row = node.submap.rows[local];
    if (row < 0 || !table.hasPose(row)) continue;
    const m = (matrices[local] ??= viewFromSubmap(table, row, ray));
    const [x, y, z] = [cx + place[4 * k] * step, cy + place[4 * k + 1] * step, cz + place[4 * k + 2] * step];
    const depth = m[8] * x + m[9] * y + m[10] * z + m[11];
    if (depth <= 0 || depth > rule.farthest) continue;
    const dx = ((m[0] * x + m[1] * y + m[2] * z + m[3]) / depth) * ray.focal - ray.x;
    const dy = ((m[4] * x + m[5] * y + m[6] * z + m[7]) / depth) * ray.focal - ray.y;
    const reach = rule.reach(node, depth, table.scale[row]);
    const offset = reach < ROUND_PIXELS / 2 ? Math.max(Math.abs(dx), Math.abs(dy)) : Math.hypot(dx, dy);
    const rank = rule.rank(depth, offset);
    if (offset > reach || (best && rank > best.rank) || !accepts(row, [x, y, z])) continue;
    best = { depth, rank, row, inSubmap: [x, y, z], colour: [...colour.subarray(4 * k, 4 * k + 4)] };
  }
  return best;
}

/** The camera centre next to a place of the screen. @returns {number|null} row */
export function pickCamera(rows, table, ray, reach) {
  let best = null;
  for (const row of rows) {
    const centre = table.centre(row);
    if (!centre) continue;
    const away = [centre[0] - ray.eye[0], centre[1] - ray.eye[1], centre[2] - ray.eye[2]];
    const along = (axis) => axis[0] * away[0] + axis[1] * away[1] + axis[2] * away[2];
    const depth = along(ray.forward);
    if (depth <= 0) continue;
    const offset = Math.hypot((along(ray.right) / depth) * ray.focal - ray.x, (along(ray.up) / depth) * ray.focal - ray.y);
    if (offset < reach && (!best || offset < best.offset)) best = { row, offset };
  }
  return best ? best.row : null;
}
