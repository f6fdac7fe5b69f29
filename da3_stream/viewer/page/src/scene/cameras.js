/** Where the cameras were: the path as lines, pyramids along it, and the loops between places. */
import { distance } from "../tables/float64.js";
import { segmentColour } from "./colours.js";
import { Frusta, MOST_FRUSTA } from "./frusta.js";
import { Strokes } from "./strokes.js";

const SELECTED = [255, 255, 255];
const ACCEPTED = [62, 207, 110];
const REFUSED = [235, 84, 84];
/** Depth of a pyramid, in steps from camera to camera. */
const FRUSTUM_STEPS = 0.8;
const PATH_WIDTH = 2.5;
const LOOP_WIDTH = 1.75;

export class Cameras {
  /** @param {object} shared of eyeUniforms */
  constructor(shared) {
    this.table = null;
    this.path = new Strokes(shared, PATH_WIDTH);
    this.loops = new Strokes(shared, LOOP_WIDTH);
    this.frusta = new Frusta(shared);
    this.selected = null;
    this.segmentOf = new Map(); // of a submap
    this.step = 1; // usual way from frame to frame
  }

  get bytes() {
    return this.path.bytes + this.loops.bytes + this.frusta.bytes;
  }

  /**
   * Draws all anew.
   * @param {import("../tables/frame_table.js").FrameTable} table @param {object} state of /state
   * @param {[number, number]} time seconds to show
   */
  update(table, state, time) {
    this.table = table;
    this.segmentOf = new Map(state.submaps.map((submap) => [submap.id, submap.segment]));
    const inTime = (row) => this.table.time[row] >= time[0] && this.table.time[row] <= time[1];
    const places = [];
    for (let row = 0; row < this.table.count; row++) {
      if (this.table.hasCamera(row) && inTime(row)) places.push({ row, centre: this.table.centre(row) });
    }
    this.#drawPath(places);
    this.#drawFrusta(places);
    this.#drawLoops(state.loops);
  }

  #segment(row) {
    return this.segmentOf.get(this.table.submap[row]) ?? 0;
  }

  #drawPath(places) {
    const lines = [];
    const steps = [];
    for (let k = 1; k < places.length; k++) {
      const segment = this.#segment(places[k].row);
      if (segment !== this.#segment(places[k - 1].row)) continue;
      steps.push(distance(places[k].centre, places[k - 1].centre));
      lines.push({ from: places[k - 1].centre, to: places[k].centre, colour: segmentColour(segment) });
    }
    steps.sort((a, b) => a - b);
    this.step = steps[Math.floor(steps.length * 0.6)] || this.step;
    this.path.set(lines);
  }

  #drawFrusta(places) {
    const stride = Math.max(1, Math.ceil(places.length / MOST_FRUSTA));
    const shown = places.filter(({ row }, k) => k % stride === 0 && row !== this.selected);
    const cameras = shown.map((place) => this.#frustum(place, segmentColour(this.#segment(place.row)), 1));
    if (this.selected !== null && this.table.hasCamera(this.selected)) {
      const place = { row: this.selected, centre: this.table.centre(this.selected) };
      cameras.push(this.#frustum(place, SELECTED, 1.5));
    }
    this.frusta.set(cameras, FRUSTUM_STEPS * this.step * Math.sqrt(stride));
  }

  #frustum({ row, centre }, colour, size) {
    const [fx, fy, , , width, height] = this.table.intrinsics.subarray(6 * row, 6 * row + 6);
    const reach = [width / (2 * fx), height / (2 * fy)].map((value) => (Number.isFinite(value) ? Math.min(value, 2) : 1));
    return { row, centre, orientation: this.table.orientation(row), reach, colour, size };
  }

  #drawLoops(loops) {
    const ends = loops.map((loop) => ({ loop, from: this.table.centre(loop.a), to: this.table.centre(loop.b) }));
    const seen = ends.filter(({ from, to }) => from && to);
    this.loops.set(seen.map(({ loop, from, to }) => ({ from, to, colour: loop.accepted ? ACCEPTED : REFUSED })));
  }
}
