/** Two points -> their distance, with its sigma. */
import { distance, dot, normalized, subtract } from "../tables/float64.js";
import { pathSigma, sigmaOf, sumOfKnown, varianceAlong } from "./uncertainty.js";

/** @typedef {import("./uncertainty.js").Sighting} Sighting @typedef {import("./uncertainty.js").Sigma} Sigma */

/**
 * What a measurement takes from the run beside its points.
 * @typedef {object} Knowledge
 * @property {(row: number) => {centre: number[], confidence: number}|null} cameraOf
 * @property {number[]} up of length 1
 * @property {number|null} scaleSigma standard deviation of the run's scale as a share; null where nobody knows
 */

/**
 * @param {Sighting} a @param {Sighting} b @param {Knowledge} run
 * @returns {{value: number, height: number, sigma: Sigma}} the distance, and the part of it that goes up
 */
export function measureDistance(a, b, run) {
  const apart = subtract(b.position, a.position);
  const value = distance(a.position, b.position);
  const direction = normalized(apart);
  const parts = [a, b].map((point) => varianceAlong(point, direction));
  const path = pathSigma(a.frameRow, b.frameRow, run.cameraOf);
  const sigma = sigmaOf({
    depth: sumOfKnown(parts.map((part) => part.depth)),
    across: parts[0].across + parts[1].across,
    path: path === null ? null : path ** 2,
    scale: run.scaleSigma === null ? null : (run.scaleSigma * value) ** 2,
  });
  return { value, height: dot(apart, run.up), sigma };
}
