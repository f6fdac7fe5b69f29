/**
 * Vectors and quaternions in double precision, as plain arrays: a quaternion is [x, y, z, w], a vector [x, y, z].
 */

/** The float32 next to `value` and the float32 next to what it leaves: their sum keeps 48 bits. */
export function split(value) {
  const high = Math.fround(value);
  return [high, Math.fround(value - high)];
}

export const add = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const subtract = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const scaled = (a, factor) => [a[0] * factor, a[1] * factor, a[2] * factor];
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const length = (a) => Math.hypot(a[0], a[1], a[2]);
export const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

export function cross(a, b) {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** `a` at length one; `fallback` where it has none. */
export function normalized(a, fallback = [0, 0, 1]) {
  const norm = length(a);
  return norm > 0 && Number.isFinite(norm) ? scaled(a, 1 / norm) : fallback;
}

/** Rotation of a vector by a quaternion of length one. */
export function rotate(q, v) {
  const t = scaled(cross(q, v), 2);
  return add(add(v, scaled(t, q[3])), cross(q, t));
}

export const conjugate = (q) => [-q[0], -q[1], -q[2], q[3]];

/** The quaternion that rotates by `b`, then by `a`. */
export function multiply(a, b) {
  return [
    a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1],
    a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
    a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3],
    a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2],
  ];
}

/** Rotation about an axis of length one. */
export function aboutAxis(axis, angle) {
  return [...scaled(axis, Math.sin(angle / 2)), Math.cos(angle / 2)];
}

/** The shortest rotation that takes direction `a` to direction `b` (both of length one). */
export function shortestRotation(a, b) {
  const cosine = dot(a, b);
  if (cosine < -0.999999) {
    return aboutAxis(normalized(cross(a, Math.abs(a[0]) < 0.9 ? [1, 0, 0] : [0, 1, 0])), Math.PI);
  }
  const q = [...cross(a, b), 1 + cosine];
  const norm = Math.hypot(...q);
  return q.map((value) => value / norm);
}

/** Orientation of a camera of three.js (x right, y up, looks along -z) that looks along `forward` with `up` upwards. */
export function lookingAlong(forward, up) {
  const back = scaled(normalized(forward, [1, 0, 0]), -1);
  const beside = Math.abs(back[0]) < 0.9 ? [1, 0, 0] : [0, 1, 0];
  const right = normalized(cross(up, back), normalized(cross(beside, back)));
  return fromAxes(right, cross(back, right), back);
}

/** The quaternion of a rotation whose columns are x, y and z (orthogonal, right-handed). */
export function fromAxes(x, y, z) {
  const trace = x[0] + y[1] + z[2];
  const w = Math.sqrt(Math.max(0, 1 + trace)) / 2;
  const signed = (value, sign) => Math.sqrt(Math.max(0, 1 + value)) / 2 * (sign < 0 ? -1 : 1);
  if (w > 0.1) {
    return [(y[2] - z[1]) / (4 * w), (z[0] - x[2]) / (4 * w), (x[1] - y[0]) / (4 * w), w];
  }
  return fromAxesHalfTurn(x, y, z, signed);
}

function fromAxesHalfTurn(x, y, z, root) {
  const size = [root(x[0] - y[1] - z[2], 1), root(y[1] - x[0] - z[2], 1), root(z[2] - x[0] - y[1], 1)];
  const most = size.indexOf(Math.max(...size));
  const pairs = [
    [size[0], (x[1] + y[0]) / (4 * size[0]), (x[2] + z[0]) / (4 * size[0]), (y[2] - z[1]) / (4 * size[0])],
    [(x[1] + y[0]) / (4 * size[1]), size[1], (y[2] + z[1]) / (4 * size[1]), (z[0] - x[2]) / (4 * size[1])],
    [(x[2] + z[0]) / (4 * size[2]), (y[2] + z[1]) / (4 * size[2]), size[2], (x[1] - y[0]) / (4 * size[2])],
  ];
  return pairs[most];
}

/** Rows of the rotation matrix of a quaternion, nine numbers. */
export function matrixOf([x, y, z, w]) {
  return [
    1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
    2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
    2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
  ];
}
