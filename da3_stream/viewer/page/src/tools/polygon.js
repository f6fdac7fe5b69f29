/** A polygon -> its area in the plane that fits its corners best, with sigma and how far the corners lie off. */
import { add, cross, dot, length, normalized, scaled, subtract } from "../tables/float64.js";
import { pathSigma, sigmaOf, sumOfKnown, varianceAlong } from "./uncertainty.js";

/** @typedef {import("./uncertainty.js").Sighting} Sighting */

/**
 * The plane of least squares: its point, its normal of length 1, and how far the corners lie off (root mean square).
 * @param {number[][]} corners three and more
 */
export function fitPlane(corners) {
  const point = scaled(corners.reduce(add, [0, 0, 0]), 1 / corners.length);
  const off = corners.map((corner) => subtract(corner, point));
  const normal = smallestDirection(off);
  const residual = Math.sqrt(off.reduce((sum, d) => sum + dot(d, normal) ** 2, 0) / corners.length);
  return { point, normal, residual };
}

/** The direction in which vectors spread least: the last eigenvector of their covariance, by Jacobi rotations. */
function smallestDirection(vectors) {
  const m = [0, 1, 2].map((i) => [0, 1, 2].map((j) => vectors.reduce((sum, v) => sum + v[i] * v[j], 0)));
  const axes = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]; // columns are the directions
  for (let sweep = 0; sweep < 30; sweep += 1)
    for (const [p, q] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ])
      rotate(m, axes, p, q);
  const least = [0, 1, 2].reduce((best, i) => (m[i][i] < m[best][best] ? i : best), 0);
  return normalized(axes.map((row) => row[least]));
}

/** One Jacobi rotation (Golub and Van Loan, 8.5): makes m[p][q] zero, and turns the axes with it. */
function rotate(m, axes, p, q) {
  if (m[p][q] === 0) return;
  const theta = (m[q][q] - m[p][p]) / (2 * m[p][q]);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  const turn = (row) => ([row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]]);
  m.forEach(turn);
  [m[p], m[q]] = [0, 1].map((which) =>
    m[p].map((_, i) => (which ? s * m[p][i] + c * m[q][i] : c * m[p][i] - s * m[q][i])),
  );
  axes.forEach(turn);
}

/** Twice the area as a vector, normal to the polygon (Newell). @param {number[][]} corners */
function areaVector(corners) {
  const base = corners[0]; // differences first: coordinates of maps are large
  const sides = corners.map((corner) => subtract(corner, base));
  return sides.reduce((sum, side, i) => add(sum, cross(side, sides[(i + 1) % sides.length])), [0, 0, 0]);
}

/** Whether two sides of a polygon cross each other in its plane. @param {number[][]} corners @param {number[]} normal */
export function crossesItself(corners, normal) {
  const n = corners.length;
  const side = (i) => [corners[i], corners[(i + 1) % n]];
  for (let i = 0; i < n; i += 1) {
    for (let j = i + 2; j < n; j += 1) {
      if ((j + 1) % n !== i && cross2(...side(i), ...side(j), normal)) return true;
    }
  }
  return false;
}

function cross2(a, b, c, d, normal) {
  const turn = (p, q, r) => dot(cross(subtract(q, p), subtract(r, p)), normal);
  return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}

/**
 * The area of a polygon projected into its own plane. A corner moves it by half the side that its neighbours span,
 * turned by 90 degrees in the plane; corners of other frames than the first one's may be off by the path between.
 * @param {Sighting[]} corners three and more, in order @param {import("./distance.js").Knowledge} run
 * @returns {{value: number, residual: number, perimeter: number, crosses: boolean,
 *            sigma: import("./uncertainty.js").Sigma}} sigma in units of the area
 */
export function measureArea(corners, run) {
  const places = corners.map((corner) => corner.position);
  const { normal, residual } = fitPlane(places);
  const twice = dot(areaVector(places), normal);
  const value = Math.abs(twice) / 2;
  const parts = corners.map((corner, i) => cornerVariance(corner, pushOf(places, i, normal), corners[0], run));
  const sum = (name) => sumOfKnown(parts.map((part) => part[name]));
  const scale = run.scaleSigma === null ? null : (2 * run.scaleSigma * value) ** 2;
  const sigma = sigmaOf({ depth: sum("depth"), across: sum("across"), path: sum("path"), scale });
  return { value, residual, perimeter: perimeterOf(places), crosses: crossesItself(places, normal), sigma };
}

/** How the area changes with corner i, a vector. */
function pushOf(places, i, normal) {
  const n = places.length;
  return scaled(cross(subtract(places[(i + 1) % n], places[(i + n - 1) % n]), normal), 0.5);
}

function cornerVariance(corner, push, first, run) {
  const strength = length(push) ** 2;
  const { depth, across } = varianceAlong(corner, normalized(push));
  const path = pathSigma(first.frameRow, corner.frameRow, run.cameraOf);
  return {
    depth: depth === null ? null : depth * strength,
    across: across * strength,
    path: path === null ? null : path ** 2 * strength,
  };
}

function perimeterOf(places) {
  return places.reduce((sum, place, i) => sum + length(subtract(places[(i + 1) % places.length], place)), 0);
}
