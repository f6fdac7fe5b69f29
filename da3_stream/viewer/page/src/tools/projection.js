/** Where a point of the world falls in a frame's picture. */
import { dot, subtract } from "../tables/float64.js";

/**
 * A frame's pinhole camera, of the size that its depth has.
 * @typedef {{centre: number[], axes: number[][], fx: number, fy: number, cx: number, cy: number,
 *            width: number, height: number}} PinholeCamera axes are its x, y and z in the world, of length 1
 */

/**
 * Pixels of a size (the first pixel's corner at 0), null behind the camera or outside of the picture.
 * @param {PinholeCamera} camera @param {number[]} position @param {{width: number, height: number}} size
 * @returns {{x: number, y: number, depth: number}|null}
 */
export function projectInto(camera, position, size) {
  const [x, y, depth] = camera.axes.map((axis) => dot(axis, subtract(position, camera.centre)));
  if (!(depth > 0)) return null;
  const u = ((camera.fx * x) / depth + camera.cx) / camera.width;
  const v = ((camera.fy * y) / depth + camera.cy) / camera.height;
  if (!(u >= 0 && u < 1 && v >= 0 && v < 1)) return null;
  return { x: u * size.width, y: v * size.height, depth };
}
