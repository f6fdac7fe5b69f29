/** Splats in the order in which they are blended: the farthest first. */

const BINS = 1 << 16;

export class DepthOrder {
  /** @param {number} most splats there can be */
  constructor(most) {
    this.depth = new Float32Array(most);
    this.bits = new Int32Array(this.depth.buffer); // of numbers above 0 they have the same order
    this.chosen = new Uint32Array(most);
    this.sorted = new Uint32Array(most);
    this.firsts = new Uint32Array(BINS + 1);
  }

  /**
   * Those of some ranges of splats that lie before the eye, the farthest first, in `sorted`; returns how many. Depths are
   * told apart to one part in some thousands.
   * @param {Float32Array} centres [N,3] @param {Iterable<[number, number]>} ranges first, one past the last
   * @param {number[]} forward @param {number} away how far the origin of the centres is before the eye
   * @param {number} near @param {((x: number, y: number, z: number) => boolean)|null} accepts a place, or all
   */
  sort(centres, ranges, forward, away, near, accepts) {
    const { depth, bits, chosen } = this;
    const [fx, fy, fz] = forward;
    let [count, least, most] = [0, 0x7fffffff, 0];
    for (const [first, end] of ranges) {
      for (let k = first; k < end; k++) {
        const [x, y, z] = [centres[3 * k], centres[3 * k + 1], centres[3 * k + 2]];
        const ahead = fx * x + fy * y + fz * z + away;
        if (!(ahead >= near) || (accepts && !accepts(x, y, z))) continue;
        depth[count] = ahead;
        chosen[count] = k;
        least = Math.min(least, bits[count]);
        most = Math.max(most, bits[count]);
        count += 1;
      }
    }
    this.#spread(count, least, most);
    return count;
  }

  /** Counting sort by the highest bits of how far they lie before the farthest. */
  #spread(count, least, most) {
    const { bits, chosen, sorted, firsts } = this;
    const shift = Math.max(0, 32 - Math.clz32(Math.max(0, most - least)) - 16);
    firsts.fill(0);
    for (let k = 0; k < count; k++) firsts[((most - bits[k]) >>> shift) + 1] += 1;
    for (let bin = 0; bin < BINS; bin++) firsts[bin + 1] += firsts[bin];
    for (let k = 0; k < count; k++) sorted[firsts[(most - bits[k]) >>> shift]++] = chosen[k];
  }
}
