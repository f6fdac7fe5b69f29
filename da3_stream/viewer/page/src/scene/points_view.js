/** The points that a view shows: which levels, from where, in which colours. */
import { dot, matrixOf, rotate, shortestRotation, subtract } from "../tables/float64.js";
import { BlockLoading } from "./block_loading.js";
import { ColourRanges } from "./colour_ranges.js";
import { chooseNodes, distanceInSight, FINE_PIXELS, seenSpacing } from "./levels.js";
import { beside, covering, meets, onSurface, pickInNode } from "./picking.js";
import { PointClouds } from "./points.js";
import { SubmapNodes } from "./submap_nodes.js";
import { Transforms } from "./transforms.js";
import { POINT_BYTES } from "../tables/decoding.js";

/** The most points of a picture, whatever the run holds. */
export const MOST_POINTS = 3e6;
const LEAST_PIXELS = 1.4;
const MOST_PIXELS = 24;
/** Points are drawn a little larger than their distance, so that surfaces look closed. */
const OVERLAP = 1.15;

export class PointsView {
  /**
   * @param {import("../source.js").Source} source @param {object} shared of eyeUniforms
   * @param {{changed: () => void, failed: (error: Error) => void}} events
   */
  constructor(source, shared, events) {
    this.events = events;
    this.transforms = new Transforms();
    this.clouds = new PointClouds(this.transforms, shared);
    this.submaps = new Map();
    this.drawn = [];
    this.tick = 0;
    this.revision = 0; // of the spheres
    this.legend = null;
    this.ranges = new ColourRanges(this);
    this.loading = new BlockLoading(source, {
      opened: (submap, header) => this.#open(submap, header),
      arrived: (nodes) => this.#arrived(nodes),
      forgotten: (node) => this.clouds.remove(node),
      failed: events.failed,
    });
  }

  get bytes() {
    return this.transforms.bytes + POINT_BYTES * this.clouds.drawnPoints;
  }

  /** Begins anew with another table: the run or the server began anew. */
  reset() {
    for (const submap of this.submaps.values()) this.loading.close(submap);
    this.submaps.clear();
    this.transforms.clear();
    this.drawn = [];
  }

  /** Takes the submaps of a state; those whose points were made anew are read again. */
  setSubmaps(infos, table) {
    this.table = table;
    const now = new Map(infos.map((info) => [info.id, info]));
    for (const [id, submap] of this.submaps) {
      if (now.get(id)?.revision === submap.info.revision) continue;
      this.loading.close(submap);
      this.submaps.delete(id);
    }
    for (const info of infos) {
      if (this.submaps.has(info.id)) this.submaps.get(info.id).info = info;
      else if (info.points > 0 && info.nodes !== 0) this.submaps.set(info.id, new SubmapNodes(info));
    }
    this.revision += 1;
  }

  /** Moves points to where their frames are now; nothing but the texture changes. */
  setPoses(rows, table) {
    this.transforms.update(rows, table);
    for (const id of new Set(rows.map((row) => table.submap[row]))) {
      if (this.submaps.has(id)) this.submaps.get(id).isPlaced = false;
    }
    this.revision += 1;
  }

  #open(submap, header) {
    submap.open(header, this.table, this.transforms);
    this.events.changed();
  }

  #arrived(nodes) {
    for (const node of nodes) this.clouds.add(node);
    this.events.changed();
  }

  /** Chooses what a view shows of what is here, and asks for what it lacks. @param {number} share of all points */
  choose(eye, pixelRatio, pointSize, share) {
    this.tick += 1;
    const view = eye.view(pixelRatio);
    const chosen = chooseNodes(this.#roots(), view, MOST_POINTS * share, FINE_PIXELS / Math.sqrt(share));
    const shown = chosen.filter(({ node }) => node.block);
    this.#remember(chosen, shown);
    const set = new Set(shown.map(({ node }) => node));
    for (const item of shown) item.spacing = item.points < item.node.points ? item.node.worldSpacing : seenSpacing(item.node, set);
    this.drawn = shown;
    this.clouds.show(shown);
    const values = this.clouds.uniforms;
    values.u_size_bounds.value.set(LEAST_PIXELS * pixelRatio * Math.min(1, pointSize), MOST_PIXELS * pixelRatio * pointSize);
    this.clouds.pixels = view.focal * pointSize * OVERLAP;
    this.loading.want(this.#unopened(view), chosen.filter(({ node }) => !node.block).map(({ node }) => node));
    this.loading.forgetOld(this.tick);
  }

  *#roots() {
    for (const submap of this.submaps.values()) {
      submap.place(this.table);
      if (submap.hasPose) yield* submap.roots;
    }
  }

  #remember(chosen, shown) {
    for (const { node } of this.drawn) node.expanded = false;
    for (const { node } of shown) {
      node.lastDrawn = this.tick;
      if (node.parent) node.parent.expanded = true;
    }
  }

  /** Submaps in sight whose header is not here, those that look largest first. */
  #unopened(view) {
    const seen = [];
    for (const submap of this.submaps.values()) {
      if (submap.header || !submap.info.centre) continue;
      const away = distanceInSight(view, submap.info.centre, submap.info.radius);
      if (away >= 0) seen.push({ submap, size: submap.info.radius / away });
    }
    return seen.sort((a, b) => b.size - a.size).map(({ submap }) => submap);
  }

  /** Colours and clip box as they are set. @param {import("./settings.js").Settings} settings */
  colour({ colour, clip }, eye) {
    const values = this.clouds.uniforms;
    const range = this.ranges.range(colour, eye.up);
    this.legend = this.ranges.legend(colour, range);
    const shift = colour === "height" ? dot(eye.position, eye.up) : 0; // the shader knows heights above the eye
    this.clouds.colourBy(colour, [range[0] - shift, range[1] - shift]);
    values.u_up.value.set(...eye.up);
    this.#clip(clip, eye);
  }

  #clip(clip, eye) {
    const values = this.clouds.uniforms;
    values.u_clips.value = clip !== null;
    if (!clip) return;
    const upright = shortestRotation(eye.up, [0, 0, 1]);
    const here = rotate(upright, eye.position);
    values.u_upright.value.set(...matrixOf(upright));
    values.u_clip_min.value.set(...subtract(clip.min, here));
    values.u_clip_max.value.set(...subtract(clip.max, here));
  }

  /** The point under a place of the screen, exact in double precision, or null. */
  pick(ray, pixelRatio, accepts) {
    const by = (rule) => this.#pickBy(rule, ray, accepts);
    const seen = by(covering((...point) => this.clouds.pixelsOf(...point) / pixelRatio));
    const best = seen ? (by(onSurface(seen.depth)) ?? seen) : by(beside());
    return best && { ...best, position: this.table.worldFromSubmap(best.row, best.inSubmap) };
  }

  #pickBy(rule, ray, accepts) {
    let best = null;
    for (const { node, points } of this.drawn) {
      if (!meets(ray, node.worldCentre, node.worldRadius, MOST_PIXELS)) continue;
      const found = pickInNode(node, points, this.table, ray, rule, accepts);
      if (found && (!best || found.rank < best.rank)) best = { ...found, submap: node.submap.info.id };
    }
    return best;
  }

  /** Radii of the spheres of all submaps that have a place. */
  radii() {
    return [...this.submaps.values()].filter(({ info }) => info.centre).map(({ info }) => info.radius);
  }

  /** A sphere around all submaps. @returns {{centre: number[], radius: number}|null} */
  bounds() {
    const infos = [...this.submaps.values()].map(({ info }) => info).filter(({ centre }) => centre);
    if (!infos.length) return null;
    const middle = (axis) => {
      const low = Math.min(...infos.map(({ centre, radius }) => centre[axis] - radius));
      const high = Math.max(...infos.map(({ centre, radius }) => centre[axis] + radius));
      return (low + high) / 2;
    };
    const centre = [middle(0), middle(1), middle(2)];
    const radius = Math.max(...infos.map((info) => Math.hypot(...subtract(info.centre, centre)) + info.radius));
    return { centre, radius };
  }
}
