/** What the user interface asks of the run that is shown: the one place that knows how the viewer holds it. */
import { distance, normalized, rotate, scaled, subtract } from "../tables/float64.js";

const FAR = 1e12; // nothing is there; what is farther is a broken bound

/** A run as panels see it: rows are those of the frame table. */
export class RunView {
  /** @param {any} viewer the `Viewer` of src/scene/viewer.js */
  constructor(viewer) {
    this.viewer = viewer;
  }

  /** The latest answer of /state, null before the first. */
  get state() {
    return this.viewer.state ?? null;
  }

  /** @returns {import("../tables/frame_table.js").FrameTable} */
  get table() {
    return this.viewer.table;
  }

  get count() {
    return this.table.count;
  }

  /** "metres" or "relative". */
  get units() {
    return this.state?.run.units ?? "relative";
  }

  get up() {
    return normalized(this.state?.up ?? [0, -1, 0], [0, -1, 0]);
  }

  /** Where the run lies on the Earth, null where it is not located. */
  get origin() {
    return this.state?.origin ?? null;
  }

  /** Times of all rows. */
  get times() {
    return this.table.time.subarray(0, this.count);
  }

  /** How far the frame of each row is believed, NaN where that is unknown; Infinity: it has not come yet. */
  get confidences() {
    const told = this.table.confidence.subarray(0, this.count);
    if (this.viewer.data.isWhole) return told;
    return told.map((value, row) => (this.table.hasPose(row) ? value : Infinity));
  }

  timeOf(row) {
    return row < this.count ? this.table.time[row] : NaN;
  }

  /** First and last time. @returns {[number, number]} */
  span() {
    return this.count ? [this.table.time[0], this.table.time[this.count - 1]] : [0, 0];
  }

  /** The name of a row's status. */
  statusOf(row) {
    return this.state?.statuses?.[this.table.status[row]] ?? "";
  }

  /** Where a row's camera is and how far it is believed; null without a pose. */
  cameraOf(row) {
    const centre = this.table.centre(row);
    return centre === null ? null : { centre, confidence: this.table.confidence[row] };
  }

  /** A row's pinhole camera, null without a pose. @returns {import("../tools/projection.js").PinholeCamera|null} */
  pinholeOf(row) {
    const [centre, turn] = [this.table.centre(row), this.table.orientation(row)];
    if (centre === null || turn === null) return null;
    const [fx, fy, cx, cy, width, height] = this.table.intrinsics.subarray(6 * row, 6 * row + 6);
    const axes = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ].map((axis) => rotate(turn, axis));
    return { centre, axes, fx, fy, cx, cy, width, height };
  }

  /** A position in the world, in the frame of the submap by which a row was placed: there no correction moves it. */
  submapFromWorld(row, position) {
    const t = this.table;
    const [x, y, z, w] = t.rotation.subarray(4 * row, 4 * row + 4);
    const away = subtract(position, t.translation.subarray(3 * row, 3 * row + 3));
    return scaled(rotate([-x, -y, -z, w], away), 1 / t.scale[row]);
  }

  /** The segment that a row's submap is in now. @param {number} row */
  segmentOf(row) {
    return (this.state?.submaps ?? []).find((submap) => submap.id === this.table.submap[row])?.segment;
  }

  /** Inverse of `submapFromWorld`, with the poses of now; null without a pose. */
  worldFromSubmap(row, position) {
    return row < this.count && this.table.hasPose(row) ? this.table.worldFromSubmap(row, position) : null;
  }

  /** Length of the path, of each segment for itself. */
  pathLength() {
    const key = `${this.count}/${this.table.revision}`;
    if (this.lengthKey !== key) [this.lengthKey, this.lengthNow] = [key, this.#measurePath()];
    return this.lengthNow;
  }

  #measurePath() {
    const segments = new Map((this.state?.submaps ?? []).map((submap) => [submap.id, submap.segment]));
    let [way, before, segment] = [0, null, null];
    for (let row = 0; row < this.count; row += 1) {
      const centre = this.table.centre(row);
      if (centre === null) continue;
      const now = segments.get(this.table.submap[row]);
      if (before !== null && now === segment) way += distance(centre, before);
      [before, segment] = [centre, now];
    }
    return way;
  }

  /** The direction from the first to the last camera that has a pose. */
  pathDirection() {
    const first = this.#centreFrom(0, 1);
    const last = this.#centreFrom(this.count - 1, -1);
    return first && last ? normalized(subtract(last, first), [0, 0, 1]) : [0, 0, 1];
  }

  #centreFrom(row, step) {
    for (let at = row; at >= 0 && at < this.count; at += step) {
      const centre = this.table.centre(at);
      if (centre !== null) return centre;
    }
    return null;
  }

  /** The box around all submaps in upright coordinates (z is up), as clip boxes are. @returns {{min: number[], max: number[]}} */
  bounds() {
    const known = (this.state?.submaps ?? []).filter(
      (s) => s.points > 0 && s.radius < FAR && s.centre?.every(Number.isFinite),
    );
    if (!known.length) return { min: [-1, -1, -1], max: [1, 1, 1] };
    const spheres = known.map(({ centre, radius }) => ({ centre: this.viewer.toUpright(centre), radius }));
    const end = (sign, i) =>
      sign * spheres.reduce((most, s) => Math.max(most, sign * s.centre[i] + s.radius), -Infinity);
    return { min: [0, 1, 2].map((i) => end(-1, i)), max: [0, 1, 2].map((i) => end(1, i)) };
  }

  /** The ball around the cameras of some rows; without a centre where none has a pose. */
  sphereOfFrames(first, last) {
    const centres = [];
    const step = Math.max(1, Math.floor((last - first) / 200));
    for (let row = first; row <= last; row += step) centres.push(this.table.centre(row));
    const known = centres.filter((centre) => centre !== null);
    if (!known.length) return { centre: null, radius: 0 };
    const centre = scaled(
      known.reduce((sum, c) => sum.map((v, i) => v + c[i]), [0, 0, 0]),
      1 / known.length,
    );
    return { centre, radius: Math.max(...known.map((c) => distance(c, centre))) };
  }

  /** A length that things of the scene have: a share of the median submap's radius. */
  sceneDepth() {
    const radii = (this.state?.submaps ?? [])
      .filter((s) => s.points > 0)
      .map((s) => s.radius)
      .sort((a, b) => a - b);
    return radii.length ? radii[radii.length >> 1] / 4 : 1;
  }

  /** The range that the colours span now, null where they have none. @returns {[number, number]|null} */
  get colourRange() {
    return this.viewer.legend?.range ?? null;
  }

  /** The row whose camera one looks through now, null if none. */
  get lookedThrough() {
    return this.viewer.standpoint.looking;
  }

  /** Where pictures, depth, files and details come from. */
  get source() {
    return this.viewer.source;
  }
}
