/** Places of the screen and places in the world: what lies under the pointer, where something is drawn. */
import { conjugate, rotate, shortestRotation } from "../tables/float64.js";
import { pickCamera } from "./picking.js";

const CAMERA_REACH = 12; // pixels

export class Places {
  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
  }

  /** The point under a place of the screen, of those that time and clip box leave. */
  pick(x, y) {
    const { points, eye, settings, table, renderer } = this.viewer;
    if (!settings.show.points) return null;
    const accepts = (row, place) => this.#isInTime(row) && this.#isInClip(table.worldFromSubmap(row, place));
    const found = points.pick(eye.ray(x, y), renderer.pixelRatio, accepts);
    if (!found) return null;
    const { row, submap, position, colour } = found;
    const confidence = points.ranges.confidenceOf(colour[3] / 255);
    return { frameRow: row, submap, position, colour: colour.slice(0, 3), confidence };
  }

  /** Row of the camera at a place of the screen, or null. */
  pickCamera(x, y) {
    const { cameras, table, eye, settings } = this.viewer;
    if (!settings.show.frusta) return null;
    const rows = cameras.frusta.rows.filter((row) => this.#isInTime(row));
    return pickCamera(rows, table, eye.ray(x, y), CAMERA_REACH);
  }

  #isInTime(row) {
    const { settings, table } = this.viewer;
    return !settings.time || (table.time[row] >= settings.time[0] && table.time[row] <= settings.time[1]);
  }

  #isInClip(place) {
    const { clip } = this.viewer.settings;
    if (!clip) return true;
    return this.toUpright(place).every((value, axis) => value >= clip.min[axis] && value <= clip.max[axis]);
  }

  toUpright(position) {
    return rotate(this.#uprightFromWorld(), position);
  }

  fromUpright(position) {
    return rotate(conjugate(this.#uprightFromWorld()), position);
  }

  #uprightFromWorld() {
    return shortestRotation(this.viewer.eye.up, [0, 0, 1]);
  }
}
