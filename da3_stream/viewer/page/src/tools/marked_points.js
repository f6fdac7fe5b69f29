/** Points that are marked in pictures: where they are in the world and on the map, and in which frames they fall. */
import { rotate } from "../tables/float64.js";
import { anchorOf, positionOf } from "./anchor.js";
import { mapFromWorld } from "./georeference.js";
import { projectInto } from "./projection.js";

const NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOOKED_AT = 4000; // frames that are asked whether they show a point
const EDGE = 0.03; // share of the picture at its edge where a point is hardly seen whole

/**
 * @typedef {object} Point
 * @property {string} label
 * @property {import("./anchor.js").Anchor|null} anchor where the cloud or a frame's depth has it
 * @property {(number|null)[]|null} coordinates as the user gave them; null: those of the anchor
 * @property {import("./gcp_list.js").PictureMark[]} pictures
 */

/** Keeps marked points over a reload. */
export class MarkedPoints {
  /** @param {import("../ui/run_view.js").RunView} run @param {import("../ui/memory.js").Memory} memory */
  constructor(run, memory) {
    [this.run, this.memory] = [run, memory];
    /** @type {Point[]} */
    this.all = memory.get("marks", []);
    this.chosen = this.all.length ? 0 : -1;
    this.system = memory.get("system", null);
  }

  /** The coordinate system of the file: what the user gave, else the run's own if it is a code. */
  get coordinateSystem() {
    return this.system ?? this.run.origin?.crs ?? "";
  }

  setSystem(text) {
    this.system = text;
    this.memory.set("system", text);
  }

  get point() {
    return this.all[this.chosen] ?? null;
  }

  add() {
    const n = this.all.length;
    const label = n < NAMES.length ? NAMES[n] : `P${n + 1}`;
    this.all.push({ label, anchor: null, coordinates: null, pictures: [] });
    this.chosen = n;
    this.keep();
  }

  remove(point) {
    this.all = this.all.filter((other) => other !== point);
    this.chosen = Math.min(this.chosen, this.all.length - 1);
    this.keep();
  }

  clear() {
    [this.all, this.chosen] = [[], -1];
    this.keep();
  }

  keep() {
    this.memory.set("marks", this.all);
  }

  /** Set or move the mark of the chosen point in a picture. @param {import("./gcp_list.js").PictureMark} mark */
  mark(mark) {
    this.point.pictures = [...this.point.pictures.filter((other) => other.row !== mark.row), mark].sort(
      (a, b) => a.row - b.row,
    );
    this.keep();
  }

  unmark(row) {
    this.point.pictures = this.point.pictures.filter((other) => other.row !== row);
    this.keep();
  }

  /** Where a point is in the world by its anchor, null without. @param {Point} point */
  position(point) {
    return point.anchor === null ? null : positionOf(this.run, point.anchor);
  }

  /** Its coordinates: given by hand, or of its anchor on the map of a run that is located. @param {Point} point */
  coordinates(point) {
    if (point.coordinates !== null) return point.coordinates;
    const position = this.position(point);
    if (position === null) return [null, null, null];
    return this.run.origin === null ? position : mapFromWorld(this.run.origin, position);
  }

  /** Whose a point's coordinates are: given by "hand", of the "map" or of the run's own "world"; "nothing" without. */
  whoseCoordinates(point) {
    if (point.coordinates !== null) return "hand";
    if (point.anchor === null) return "nothing";
    return this.run.origin === null ? "world" : "map";
  }

  /** Why a point's coordinates are not those of the file's system, in one sentence; null if all are. */
  whyNotInSystem() {
    for (const point of this.all.filter((marked) => marked.pictures.length)) {
      const whose = this.whoseCoordinates(point);
      if (whose === "world")
        return `${point.label} has coordinates of the run's own world: put surveyed ones in their place.`;
      if (whose === "map" && this.coordinateSystem !== this.run.origin.crs)
        return `${point.label} has coordinates in ${this.run.origin.crs}: give that system, or coordinates by hand.`;
    }
    return null;
  }

  /** Points as gcp_list.js writes them. @returns {import("./gcp_list.js").MarkedPoint[]} */
  listed() {
    return this.all.map((point) => ({
      label: point.label,
      coordinates: this.coordinates(point),
      pictures: point.pictures,
    }));
  }

  /** Where the chosen point falls in a frame, as shares of its picture; null outside. */
  placeIn(row, point = this.point) {
    const [position, camera] = [point && this.position(point), this.run.pinholeOf(row)];
    if (!position || camera === null) return null;
    return projectInto(camera, position, { width: 1, height: 1 });
  }

  /** Rows of frames in whose pictures the chosen point falls, nearest cameras first. @param {number} most */
  framesThatShow(most) {
    const step = Math.max(1, Math.ceil(this.run.count / LOOKED_AT));
    const found = [];
    for (let row = 0; row < this.run.count; row += step) {
      const place = this.placeIn(row);
      if (place && [place.x, place.y].every((v) => v > EDGE && v < 1 - EDGE)) found.push({ row, depth: place.depth });
    }
    return spread(
      found.sort((a, b) => a.row - b.row),
      most,
    ).map(({ row }) => row);
  }

  /**
   * Give the chosen point its place by a frame's depth at a pixel, where it has none yet.
   * @param {number} row @param {{x: number, y: number}} place shares of the picture
   */
  async anchorByDepth(row, place) {
    const { point } = this;
    const [depth, camera] = [await this.run.source.depth(row).catch(() => null), this.run.pinholeOf(row)];
    if (!point || point.anchor !== null || depth === null || camera === null) return false;
    const [x, y] = [Math.floor(place.x * depth.width), Math.floor(place.y * depth.height)];
    const z = depth.values[y * depth.width + x];
    if (!(z > 0)) return false;
    const [u, v] = [place.x * camera.width, place.y * camera.height];
    const inCamera = [((u - camera.cx) / camera.fx) * z, ((v - camera.cy) / camera.fy) * z, z];
    const turned = rotate(this.run.table.orientation(row), inCamera);
    point.anchor = anchorOf(
      this.run,
      row,
      camera.centre.map((c, i) => c + turned[i]),
      null,
    );
    this.keep();
    return true;
  }
}

/** At most so many of a list, evenly. */
function spread(list, most) {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, k) => list[Math.round((k * (list.length - 1)) / (most - 1))]);
}
