/** Which point or camera lies under a place of the screen: exact, from the points themselves, in double precision. */
import { rotate, conjugate } from "../tables/float64.js";

/** Looked at in this order: what is under the pointer itself comes before what is beside it. */
export const REACHES = [2, 6];
/** A pixel beside the pointer counts as this share of the distance. */
const ASIDE = 0.01;

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

/** True where the cone around a ray meets a sphere. */
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
 * The nearest of a node's points that lie within `reach` pixels of the ray.
 * @returns {{depth: number, rank: number, row: number, inSubmap: number[], colour: number[]}|null} the least rank wins
 */
export function pickInNode(node, points, table, ray, reach, accepts) {
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
    if (depth <= 0 || (best && depth > best.rank)) continue;
    const dx = ((m[0] * x + m[1] * y + m[2] * z + m[3]) / depth) * ray.focal - ray.x;
    const dy = ((m[4] * x + m[5] * y + m[6] * z + m[7]) / depth) * ray.focal - ray.y;
    const offset = Math.hypot(dx, dy);
    const rank = depth * (1 + ASIDE * offset);
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
