/** Positions of the world as coordinates of a map, and back. */
import { add, scaled, subtract } from "../tables/float64.js";

/**
 * Where the world lies on the Earth, as scene.json says it.
 * @typedef {{crs: string, scale: number, rotation: number[][], translation: number[]}} Origin
 */

const apply = (rotation, v) => rotation.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);

/** @param {Origin} origin @param {number[]} position */
export const mapFromWorld = (origin, position) =>
  add(scaled(apply(origin.rotation, position), origin.scale), origin.translation);

/** @param {Origin} origin @param {number[]} coordinates */
export function worldFromMap(origin, coordinates) {
  const transposed = [0, 1, 2].map((i) => origin.rotation.map((row) => row[i]));
  return apply(transposed, scaled(subtract(coordinates, origin.translation), 1 / origin.scale));
}
