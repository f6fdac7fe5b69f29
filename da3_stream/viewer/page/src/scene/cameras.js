/** Where the cameras were: the path as lines, pyramids along it, and the loops between places. */
import { distance } from "../tables/float64.js";
import { segmentColour } from "./colours.js";
import { Frusta, MOST_FRUSTA } from "./frusta.js";
import { Strokes } from "./strokes.js";

const SELECTED = [255, 255, 255];
const SELECTED_SIZE = 3; // times the others
const ACCEPTED = [62, 207, 110];
const REFUSED = [235, 84, 84];
/** Depth of a pyramid, in steps from camera to camera. */
const FRUSTUM_STEPS = 0.8;
/** A path of more is drawn with every second, third ... of its cameras. */
const MOST_STROKES = 5000;
const PATH_WIDTH = 2.5;
const LOOP_WIDTH = 1.75;

export class Cameras {
  /** @param {object} shared of eyeUniforms */
  constructor(shared) {
    this.table = null;
    this.places = []; // rows with a camera, their times and centres
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
   */
  update(table, state) {
    this.table = table;
    this.segmentOf = new Map(state.submaps.map((submap) => [submap.id, submap.segment]));
    this.places = [];
    for (let row = 0; row < table.count; row++) {
      if (table.hasCamera(row)) this.places.push({ row, time: table.time[row] - table.time[0], centre: table.centre(row) });
    }
    this.#drawPath();
    this.#drawFrusta();
    this.#drawLoops(state.loops);
  }

  /** Marks the camera of a row, or none. */
  select(row) {
    this.selected = row;
    if (this.table) this.#drawFrusta();
  }

  #segment(row) {
    return this.segmentOf.get(this.table.submap[row]) ?? 0;
  }

  #drawPath() {
    const { places } = this;
    const lines = [];
    const steps = [];
    const stride = Math.max(1, Math.ceil(places.length / MOST_STROKES));
    let from = places[0];
    places.slice(1).forEach((place, k) => {
      const segment = this.#segment(place.row);
      const isSame = segment === this.#segment(from.row);
      if (isSame && k % stride !== 0 && k + 2 < places.length) return;
      steps.push(distance(place.centre, from.centre) / stride);
      if (isSame) lines.push({ from: from.centre, to: place.centre, colour: segmentColour(segment), time: place.time });
      from = place;
    });
    steps.sort((a, b) => a - b);
    this.step = steps[Math.floor(steps.length * 0.6)] || this.step;
    this.path.set(lines);
  }

  #drawFrusta() {
    const { places } = this;
    const stride = Math.max(1, Math.ceil(places.length / MOST_FRUSTA));
    const shown = places.filter(({ row }, k) => k % stride === 0 && row !== this.selected);
    const cameras = shown.map((place) => this.#frustum(place, segmentColour(this.#segment(place.row)), 1));
    const selected = places.find(({ row }) => row === this.selected);
    if (selected) cameras.push(this.#frustum(selected, SELECTED, SELECTED_SIZE));
    this.frusta.set(cameras, FRUSTUM_STEPS * this.step * Math.sqrt(stride));
  }

  #frustum({ row, centre, time }, colour, size) {
    const [fx, fy, , , width, height] = this.table.intrinsics.subarray(6 * row, 6 * row + 6);
    const reach = [width / (2 * fx), height / (2 * fy)].map((value) => (Number.isFinite(value) ? Math.min(value, 2) : 1));
    return { row, centre, orientation: this.table.orientation(row), reach, colour, size, time };
  }

  #drawLoops(loops) {
    const lines = loops.map(({ a, b, accepted }) => ({
      from: this.table.centre(a),
      to: this.table.centre(b),
      colour: accepted ? ACCEPTED : REFUSED,
      time: Math.max(this.table.time[a], this.table.time[b]) - this.table.time[0],
    }));
    this.loops.set(lines.filter(({ from, to }) => from && to));
  }
}
