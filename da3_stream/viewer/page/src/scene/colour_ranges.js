/** What the colours of points stand for: the range of each, and its legend. */
import { dot } from "../tables/float64.js";
import { categoryColour, rampColour } from "./colours.js";

/** Points that the range of a ramp is taken from. */
const SAMPLED = 20000;

export class ColourRanges {
  /** @param {import("./points_view.js").PointsView} points */
  constructor(points) {
    this.points = points;
    this.last = null; // the last range, and what it was taken from
  }

  /** What a ramp's ends stand for: world units, seconds, confidence as pages store it, probabilities. */
  legend(name, [low, high]) {
    if (name === "rgb") return null;
    const value = name === "confidence" ? (share) => this.confidenceOf(low + share * (high - low)) : (share) => low + share * (high - low);
    return { name, range: [value(0), value(1)], value, colour: (share) => legendColour(name, share) };
  }

  /** The confidence that a code 0 ... 1 stands for, as headers tell; before the first of them the code itself. */
  confidenceOf(code) {
    const opened = [...this.points.submaps.values()].find((submap) => submap.header);
    if (!opened) return code;
    const { low, high } = opened.header.confidence;
    return low * (high / low) ** code;
  }

  /**
   * The range of a colour over the coarsest levels that are here, without the outermost hundredths: the same wherever
   * the eye goes.
   * @returns {[number, number]}
   */
  range(colour, up) {
    const { table, loading, revision } = this.points;
    if (colour === "time") return table?.count ? [0, table.time[table.count - 1] - table.time[0]] : [0, 1];
    if (colour !== "height" && colour !== "confidence") return [0, 1];
    const coarse = [...loading.kept].filter((node) => !node.parent && node.submap.hasPose);
    const key = [colour, revision, coarse.length, up].join();
    if (this.last?.key !== key) this.last = { key, range: this.#measure(coarse, colour, up) };
    return this.last.range;
  }

  #measure(coarse, colour, up) {
    const values = this.#sample(coarse, colour === "height" ? (place) => dot(place, up) : (_, rgba) => rgba[3] / 255);
    if (values.length < 2) return [0, 1];
    values.sort((a, b) => a - b);
    const at = (share) => values[Math.floor(share * (values.length - 1))];
    return at(0.99) > at(0.01) ? [at(0.01), at(0.99)] : [at(0.01) - 0.5, at(0.01) + 0.5];
  }

  #sample(nodes, measure) {
    const { table } = this.points;
    const values = [];
    const each = Math.max(1, Math.floor(SAMPLED / Math.max(1, nodes.length)));
    for (const node of nodes) {
      for (let k = 0; k < Math.min(each, node.points); k++) { // the first points of a block are an even sample of it
        const row = node.submap.rows[node.block.place[4 * k + 3]];
        if (row < 0 || !table.hasPose(row)) continue;
        const place = table.worldFromSubmap(row, placeInSubmap(node, k));
        values.push(measure(place, node.block.colour.subarray(4 * k, 4 * k + 4)));
      }
    }
    return values;
  }
}

/** sRGB bytes of a colour's legend at a share 0 ... 1 of its range; of submaps, their number. */
function legendColour(name, share) {
  return name === "submap" ? categoryColour(share) : rampColour(name, share);
}

/** Where a point of a block lies in its submap. */
function placeInSubmap(node, index) {
  const step = node.size / 65535;
  return [0, 1, 2].map((axis) => node.centre[axis] - node.size / 2 + node.block.place[4 * index + axis] * step);
}
