/**
 * Splats of frames put where the frames are now, in the layout that the viewer of splats reads (KSPLAT 0.1, nothing
 * compressed): a header, the header of one section, and for each splat mean, size, quaternion (w, x, y, z), colour with
 * opacity, and the harmonics of red, green and blue of one degree after the other.
 */
import { matrixOf, multiply, subtract } from "../tables/float64.js";
import { turnOfDegree2, turnVector } from "./harmonics.js";

const HEADER = 4096;
const SECTION = 1024;
const CORE = 44; // bytes of a splat without harmonics
const SPAN = 2; // of mean colours
const MEAN = 0.28209479177387814; // the harmonic of degree 0
const LARGEST = Math.SQRT1_2;
export const MOST_DEGREE = 2; // of what the viewer draws

const floatsOf = (degree) => CORE / 4 + 3 * ((degree + 1) ** 2 - 1);

/**
 * @typedef {object} Placed
 * @property {import("./answer.js").FrameSplats} splats
 * @property {number[]} centre of the camera in the world @property {number[]} orientation @property {number} scale
 *   world_from_camera
 */

export class Baked {
  /** @param {number} count @param {number} degree @param {number[]} origin of the world; places are relative to it */
  constructor(count, degree, origin) {
    this.count = count;
    this.degree = Math.min(degree, MOST_DEGREE);
    this.origin = origin;
    this.used = 0;
    // one more, that nobody sees: GaussianSplats3D 0.4.7 leaves the last one's covariance incomplete
    this.buffer = new ArrayBuffer(HEADER + SECTION + 4 * (count + 1) * floatsOf(this.degree));
    this.centres = new Float32Array(3 * count);
    this.#writeHeaders(count + 1);
    this.floats = new Float32Array(this.buffer, HEADER + SECTION);
    this.bytes = new Uint8Array(this.buffer, HEADER + SECTION);
    this.floats.fill(1, count * floatsOf(this.degree) + 6, count * floatsOf(this.degree) + 7);
  }

  #writeHeaders(count) {
    const [bytes, shorts, words] = [Uint8Array, Uint16Array, Uint32Array].map((Type) => new Type(this.buffer, 0, HEADER / 4));
    bytes[1] = 1; // version 0.1
    words.set([1, 1, count, count], 1); // sections there may be and are, splats there may be and are
    shorts[10] = 0; // nothing compressed
    const section = new Uint32Array(this.buffer, HEADER, SECTION / 4);
    section.set([count, count]);
    section[7] = 4 * count * floatsOf(this.degree);
    new Uint16Array(this.buffer, HEADER, SECTION / 2)[20] = this.degree;
  }

  /** Adds those of a frame. @param {Placed} placed @returns {[number, number]} the first, and one past the last */
  add(placed) {
    const first = this.used;
    const { splats } = placed;
    const writers = [this.#means(placed), this.#sizes(placed), this.#turns(placed), this.#colours(splats)];
    if (this.degree) writers.push(this.#harmonics(placed));
    const width = floatsOf(this.degree);
    for (let k = 0; k < splats.count; k++) for (const write of writers) write(k, (first + k) * width, first + k);
    this.used += splats.count;
    return [first, this.used];
  }

  #means({ splats: { range, direction, depth }, centre, orientation, scale }) {
    const m = matrixOf(orientation);
    const [east, north, up] = subtract(centre, this.origin);
    const [slope, ln] = [(range[1] - range[0]) / 65535, (range[3] - range[2]) / 65535];
    return (k, at, number) => {
      const z = scale * Math.exp(range[2] + ln * depth[k]);
      const x = z * (range[0] + slope * direction[2 * k]);
      const y = z * (range[0] + slope * direction[2 * k + 1]);
      this.floats[at] = east + m[0] * x + m[1] * y + m[2] * z;
      this.floats[at + 1] = north + m[3] * x + m[4] * y + m[5] * z;
      this.floats[at + 2] = up + m[6] * x + m[7] * y + m[8] * z;
      this.centres.set(this.floats.subarray(at, at + 3), 3 * number);
    };
  }

  /** Where only some of a frame's splats are here, they are larger, so that surfaces stay closed. */
  #sizes({ splats: { range, size, count, of }, scale }) {
    const table = Float32Array.from({ length: 256 }, (_, code) => {
      return scale * Math.sqrt(of / count) * Math.exp(range[4] + (code * (range[5] - range[4])) / 255);
    });
    return (k, at) => {
      for (let axis = 0; axis < 3; axis++) this.floats[at + 3 + axis] = table[size[3 * k + axis]];
    };
  }

  #turns({ splats: { rotation }, orientation }) {
    const q = [0, 0, 0, 0]; // w, x, y, z
    return (k, at) => {
      const largest = rotation[k] >>> 30;
      let left = 1;
      for (let number = 0, shift = 20; number < 4; number++) {
        if (number === largest) continue;
        q[number] = LARGEST * ((2 * ((rotation[k] >>> shift) & 1023)) / 1023 - 1);
        left -= q[number] * q[number];
        shift -= 10;
      }
      q[largest] = Math.sqrt(Math.max(0, left));
      const [x, y, z, w] = multiply(orientation, [q[1], q[2], q[3], q[0]]);
      this.floats[at + 6] = w;
      this.floats[at + 7] = x;
      this.floats[at + 8] = y;
      this.floats[at + 9] = z;
    };
  }

  #colours({ colour, opacity }) {
    const table = Uint8ClampedArray.from({ length: 256 }, (_, code) => {
      return Math.min(255, Math.max(0, 255 * (0.5 + MEAN * SPAN * ((2 * code) / 255 - 1))));
    });
    return (k, at) => {
      for (let channel = 0; channel < 3; channel++) this.bytes[4 * at + 40 + channel] = table[colour[3 * k + channel]];
      this.bytes[4 * at + 43] = opacity[k];
    };
  }

  #harmonics({ splats: { rest, range, degree }, orientation }) {
    const m = matrixOf(orientation);
    const bands = (degree + 1) ** 2 - 1;
    const turn = this.degree > 1 ? turnOfDegree2(m) : null;
    const [first, second] = [range[6] / 127, range[7] / 127];
    const vector = [0, 0, 0];
    return (k, at) => {
      for (let channel = 0; channel < 3; channel++) {
        const from = 3 * bands * k + bands * channel;
        turnVector(m, rest, from, vector, 0);
        for (let i = 0; i < 3; i++) this.floats[at + 11 + 3 * channel + i] = first * vector[i];
        if (turn) this.#degree2(turn, second, rest, from + 3, at + 20 + 5 * channel);
      }
    };
  }

  #degree2(turn, unit, rest, from, to) {
    for (let row = 0; row < 5; row++) {
      let sum = 0;
      for (let k = 0; k < 5; k++) sum += turn[5 * row + k] * rest[from + k];
      this.floats[to + row] = unit * sum;
    }
  }
}
