/**
 * How sure a measured point is. docs/viewer.md states and explains the formulas.
 *
 * A point that frame f shows is off along its ray by the sigma of its depth, across it by a pixel, and, beside a point
 * of another frame, in all directions alike by what the path between both frames may be off.
 */
import { distance, dot, length, normalized, subtract } from "../tables/float64.js";

/**
 * A point with what is known of its error.
 * @typedef {object} Sighting
 * @property {number[]} position in the world
 * @property {number[]} camera where the camera was that shows it, in the world
 * @property {number} frameRow the row of that frame
 * @property {number|null} depthSigma standard deviation of its depth as a share of the depth; null where nobody knows
 * @property {number} pixel side of a pixel as an angle, 1 / focal length in pixels
 */

/**
 * What the error of a measurement is made of, in its unit; null is unknown, and not counted.
 * @typedef {{depth: number|null, across: number, path: number|null, scale: number|null, total: number}} Sigma
 */

export const RIGHT = 0.05; // a pose is right if it is off by less than this share of its stretch: docs/trust.md
export const REACH = 10; // rows before and after a pose that make up its stretch
const PIXEL_SIGMA = 0.5; // of pointing at a pixel, in pixels
const SUREST = 0.999; // no confidence is believed beyond it

/** The probability that a normal variable is below z. (Abramowitz and Stegun 7.1.26, within 1e-7.) */
function normalProbability(z) {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * series * Math.exp(-x * x);
  return z < 0 ? tail : 1 - tail;
}

/** The z below which a normal variable is with this probability, 0 < p < 1. @param {number} p */
export function normalQuantile(p) {
  let [low, high] = [-9, 9];
  for (let halving = 0; halving < 60; halving += 1) {
    const middle = (low + high) / 2;
    if (normalProbability(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Standard deviation of how a stretch of path of this length is off: less than RIGHT of it with the probability
 * `confidence`, as if its error were normal. null without any confidence.
 * @param {number} pathLength @param {number} confidence
 */
export function stretchSigma(pathLength, confidence) {
  if (!(confidence > 0)) return null;
  return (RIGHT * pathLength) / normalQuantile((1 + Math.min(confidence, SUREST)) / 2);
}

/**
 * How far two frames may be off beside each other: the stretches between them, each with its least confidence, add up
 * as squares. null where a pose between them is unknown or not believed at all.
 * @param {number} from row @param {number} to row
 * @param {(row: number) => {centre: number[], confidence: number}|null} cameraOf
 */
export function pathSigma(from, to, cameraOf) {
  const [first, last] = from < to ? [from, to] : [to, from];
  let variance = 0;
  for (let start = first; start < last; start += 2 * REACH + 1) {
    const sigma = oneStretch(start, Math.min(start + 2 * REACH + 1, last), cameraOf);
    if (sigma === null) return null;
    variance += sigma * sigma;
  }
  return Math.sqrt(variance);
}

function oneStretch(first, last, cameraOf) {
  let [walked, least, before] = [0, 1, null];
  for (let row = first; row <= last; row += 1) {
    const camera = cameraOf(row);
    if (camera === null || !camera.centre.every(Number.isFinite)) return null;
    walked += before === null ? 0 : distance(camera.centre, before);
    least = Math.min(least, Number.isFinite(camera.confidence) ? camera.confidence : 0);
    before = camera.centre;
  }
  return stretchSigma(walked, least);
}

/**
 * The variances of a point along a direction of length 1: by its depth (null where unknown), and by its pixel.
 * @param {Sighting} point @param {number[]} direction
 */
export function varianceAlong(point, direction) {
  const ray = subtract(point.position, point.camera);
  const far = length(ray);
  const along = dot(normalized(ray), direction) ** 2;
  const depth = point.depthSigma === null ? null : (point.depthSigma * far) ** 2 * along;
  return { depth, across: (PIXEL_SIGMA * point.pixel * far) ** 2 * (1 - along) };
}

/**
 * The sum of what is known of an error.
 * @param {{depth: number|null, across: number, path: number|null, scale: number|null}} variances
 * @returns {Sigma}
 */
export function sigmaOf(variances) {
  const root = (value) => (value === null ? null : Math.sqrt(value));
  const { depth, across, path, scale } = variances;
  const total = Math.sqrt((depth ?? 0) + across + (path ?? 0) + (scale ?? 0));
  return { depth: root(depth), across: root(across), path: root(path), scale: root(scale), total };
}

/** The sum of values, null as soon as one of them is unknown. @param {(number|null)[]} values */
export const sumOfKnown = (values) =>
  values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
