/** The measurements of a run: points that were picked, what they measure now, and the same as a table. */
import { csvText } from "./csv.js";
import { measureDistance } from "./distance.js";
import { sightingOf } from "./anchor.js";
import { measureArea } from "./polygon.js";

/**
 * @typedef {{kind: "distance"|"area", name: string, anchors: import("./anchor.js").Anchor[]}} Measurement
 */

const FEWEST = { distance: 2, area: 3 };
const COLUMNS = [
  "name",
  "kind",
  "value",
  "unit",
  "sigma",
  "sigma_depth",
  "sigma_across",
  "sigma_path",
  "sigma_scale",
  "height",
  "residual",
  "perimeter",
  "points_xyz",
  "source_indices",
];

/** Keeps measurements over a reload, and the one that is being made. */
export class Measurements {
  /** @param {import("../ui/run_view.js").RunView} run @param {import("../ui/memory.js").Memory} memory */
  constructor(run, memory) {
    [this.run, this.memory] = [run, memory];
    /** @type {Measurement[]} */
    this.all = memory.get("measurements", []);
    /** @type {Measurement|null} */
    this.open = null;
    /** @type {number|null} share by which the run's scale may be off, as the user says; no file of a run tells */
    this.scaleSigma = memory.get("scale_sigma", null);
  }

  /** @param {number|null} share */
  setScaleSigma(share) {
    this.scaleSigma = share;
    this.memory.set("scale_sigma", share);
  }

  /** @param {"distance"|"area"} kind */
  begin(kind) {
    const number = 1 + Math.max(0, ...this.all.map((m) => Number(/ (\d+)$/.exec(m.name)?.[1] ?? 0)));
    this.open = { kind, name: `${kind} ${number}`, anchors: [] };
  }

  /** A point more; a distance is whole with its second one. @param {import("./anchor.js").Anchor} anchor */
  add(anchor) {
    if (!this.open) return;
    this.open.anchors.push(anchor);
    if (this.open.kind === "distance" && this.open.anchors.length === 2) this.finish();
  }

  /** Close the one that is being made; it is kept if it has points enough. */
  finish() {
    const { open } = this;
    this.open = null;
    if (open && open.anchors.length >= FEWEST[open.kind]) this.#keep([...this.all, open]);
  }

  cancel() {
    this.open = null;
  }

  undo() {
    this.open?.anchors.pop();
  }

  /** @param {Measurement} measurement */
  remove(measurement) {
    this.#keep(this.all.filter((other) => other !== measurement));
  }

  clear() {
    this.#keep([]);
  }

  rename(measurement, name) {
    measurement.name = name;
    this.#keep(this.all);
  }

  #keep(all) {
    this.all = all;
    this.memory.set("measurements", all);
  }

  /** What the run knows that a measurement takes. @returns {import("./distance.js").Knowledge} */
  knowledge() {
    const { run } = this;
    return { cameraOf: (row) => run.cameraOf(row), up: run.up, scaleSigma: this.scaleSigma };
  }

  /** Whether its points lie in several segments, whose places and scales nothing ties together. @param {Measurement} measurement */
  isAcrossSegments(measurement) {
    return new Set(measurement.anchors.map((anchor) => this.run.segmentOf(anchor.row))).size > 1;
  }

  /**
   * What it measures with the poses of now; null where points are missing, or nothing ties them to each other.
   * @param {Measurement} measurement
   */
  value(measurement) {
    if (this.isAcrossSegments(measurement)) return null;
    const points = measurement.anchors.map((anchor) => sightingOf(this.run, anchor));
    if (points.length < FEWEST[measurement.kind] || points.includes(null)) return null;
    return measurement.kind === "distance"
      ? measureDistance(points[0], points[1], this.knowledge())
      : measureArea(points, this.knowledge());
  }

  /** All of them as a table. @param {string} unit of lengths */
  csv(unit) {
    return csvText(
      COLUMNS,
      this.all.map((measurement) => this.#line(measurement, unit)),
    );
  }

  #line(measurement, unit) {
    const value = this.value(measurement);
    const sigma = value?.sigma ?? { total: null, depth: null, across: null, path: null, scale: null };
    const places = measurement.anchors.map((anchor) => sightingOf(this.run, anchor)?.position.join(" ") ?? "");
    const frames = measurement.anchors.map((anchor) => this.run.table.sourceIndex[anchor.row]);
    return [
      measurement.name,
      measurement.kind,
      value?.value ?? null,
      measurement.kind === "area" ? `${unit}^2` : unit,
      sigma.total,
      sigma.depth,
      sigma.across,
      sigma.path,
      sigma.scale,
      value?.height ?? null,
      value?.residual ?? null,
      value?.perimeter ?? null,
      places.join("; "),
      frames.join(" "),
    ];
  }
}
