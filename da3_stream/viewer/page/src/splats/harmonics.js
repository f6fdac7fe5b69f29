/** Harmonics of degrees 1 and 2 turned with what they colour: exact, since a degree is closed under rotation. */

const ROOT3 = Math.sqrt(3);

/** Degree 1 is a vector, whose product with the direction of sight it is. Writes three of `to`. */
export function turnVector(m, from, at, to, start) {
  const x = -from[at + 2];
  const y = -from[at];
  const z = from[at + 1];
  to[start] = -(m[3] * x + m[4] * y + m[5] * z);
  to[start + 1] = m[6] * x + m[7] * y + m[8] * z;
  to[start + 2] = -(m[0] * x + m[1] * y + m[2] * z);
}

/**
 * The matrix [5,5] by which coefficients of degree 2 are turned by a rotation (rows of nine numbers): each is a symmetric
 * matrix A without a trace, whose product d A d with the direction of sight it is, and becomes R A R'.
 */
export function turnOfDegree2(m) {
  const turned = [0, 1, 2, 3, 4].map((k) => coefficients(conjugated(m, quadratic(k))));
  return Float64Array.from({ length: 25 }, (_, k) => turned[k % 5][Math.floor(k / 5)]);
}

/** The symmetric matrix of the k-th harmonic of degree 2: 2xy, -2yz, (2zz - xx - yy) / sqrt 3, -2xz, xx - yy. */
function quadratic(k) {
  if (k === 0) return [0, 1, 0, 1, 0, 0, 0, 0, 0];
  if (k === 1) return [0, 0, 0, 0, 0, -1, 0, -1, 0];
  if (k === 2) return [-1 / ROOT3, 0, 0, 0, -1 / ROOT3, 0, 0, 0, 2 / ROOT3];
  if (k === 3) return [0, 0, -1, 0, 0, 0, -1, 0, 0];
  return [1, 0, 0, 0, -1, 0, 0, 0, 0];
}

const coefficients = (a) => [a[1], -a[5], (a[8] * ROOT3) / 2, -a[2], (a[0] - a[4]) / 2];

const product = (a, b) =>
  Array.from({ length: 9 }, (_, k) => [0, 1, 2].reduce((sum, j) => sum + a[3 * Math.floor(k / 3) + j] * b[3 * j + (k % 3)], 0));

const transposed = (a) => [a[0], a[3], a[6], a[1], a[4], a[7], a[2], a[5], a[8]];

const conjugated = (m, a) => product(product(m, a), transposed(m));
