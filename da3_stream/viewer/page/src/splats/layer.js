/** The splats of a view: which frames' they are, where these are now, in which order they are drawn. */
import { distance, dot, rotate, shortestRotation, subtract } from "../tables/float64.js";
import { Baked } from "./baking.js";
import { chooseFrames, MOST_SPLATS } from "./choice.js";
import { SplatLoading } from "./loading.js";
import { DrawnSplats } from "./mesh.js";
import { DepthOrder } from "./order.js";

/** Frames are chosen anew when the eye went so far, as a share of how far the chosen ones reach. */
const GONE = 0.2;
/** Where less than this share of the points can be drawn fluently, splats wait until the eye rests. */
const FLUENT = 0.3;

export class SplatLayer {
  /** @param {import("../scene/viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.order = new DepthOrder(MOST_SPLATS);
    this.drawn = null;
    this.ranges = []; // of frames: row, first, one past the last
    this.stands = null; // where the eye stood when frames were chosen
    this.said = ""; // what the order was made for
    this.loading = new SplatLoading(viewer.source, {
      arrived: () => this.#arrived(),
      failed: (error) => viewer.emit("connection", `Splats could not be read (${error.message}); they are asked for again.`),
    });
    viewer.on("state", () => (this.stands = null));
    viewer.on("poses", () => this.#stale());
    viewer.renderer.canvas.addEventListener("webglcontextrestored", () => this.#stale());
    this.isStale = false;
  }

  /** How many splats are shown. */
  get count() {
    return this.drawn ? this.ranges.reduce((sum, { first, end }) => sum + end - first, 0) : 0;
  }

  get isIdle() {
    return this.stands !== null && this.loading.isIdle && !this.isStale;
  }

  get isDrawn() {
    return this.drawn !== null && this.drawn.mesh.visible;
  }

  /** Gives back what the graphics card holds; what was sent is kept. */
  hide() {
    if (!this.drawn) return;
    this.#discard();
    this.isStale = true;
  }

  #discard() {
    this.drawn?.dispose();
    this.drawn = null;
  }

  /** Before every picture in which splats are wanted. */
  update() {
    const { viewer } = this;
    if (viewer.pace.isResting) this.#choose();
    if (this.isStale && this.loading.isIdle) this.#bake();
    if (!this.drawn) return;
    if (viewer.pace.isResting) this.drawn.mesh.visible = true;
    else if (viewer.pace.share < FLUENT) this.drawn.mesh.visible = false; // points are drawn meanwhile
    if (!this.isDrawn) return;
    this.#sort();
    this.drawn.place(viewer.eye, viewer.renderer);
  }

  #stale() {
    this.isStale = true;
    this.viewer.invalidate();
  }

  #arrived() {
    if (this.loading.isIdle) this.#stale();
  }

  #choose() {
    const { eye, table, state } = this.viewer;
    if (this.stands && distance(this.stands.eye, eye.position) <= GONE * this.stands.reach) return;
    const wanted = chooseFrames(state.submaps, table, eye.position);
    const farthest = wanted.length ? table.centre(wanted.at(-1).row) : eye.position;
    this.stands = { eye: [...eye.position], reach: distance(farthest, eye.position) };
    const said = wanted.map(({ row, revision, most }) => `${row}/${revision}/${most}`).sort().join();
    if (said === this.wantedSaid) return;
    this.wantedSaid = said;
    this.isStale = true;
    this.loading.want(wanted);
  }

  /** Puts the splats that are here to where their frames are now. */
  #bake() {
    const { table, renderer } = this.viewer;
    this.isStale = false;
    this.said = "";
    this.#discard();
    let left = MOST_SPLATS;
    const frames = this.loading.here().filter(({ row, splats }) => table.hasCamera(row) && (left -= splats.count) >= 0);
    if (!frames.length) return;
    const count = frames.reduce((sum, { splats }) => sum + splats.count, 0);
    const baked = new Baked(count, Math.min(...frames.map(({ splats }) => splats.degree)), table.centre(frames[0].row));
    this.ranges = frames.map(({ row, splats }) => {
      const [first, end] = baked.add({ splats, ...poseOf(row, table) });
      return { row, first, end };
    });
    this.centres = baked.centres;
    this.drawn = new DrawnSplats(baked);
    renderer.scene.add(this.drawn.mesh);
  }

  #sort() {
    const { eye, settings, table } = this.viewer;
    const { time, clip } = settings;
    const said = JSON.stringify([eye.position, eye.forward, eye.near, time, clip, eye.up]);
    if (said === this.said) return;
    this.said = said;
    const inTime = ({ row }) => !time || (table.time[row] >= time[0] && table.time[row] <= time[1]);
    const ranges = this.ranges.filter(inTime).map(({ first, end }) => [first, end]);
    const away = dot(eye.forward, subtract(this.drawn.origin, eye.position));
    const count = this.order.sort(this.centres, ranges, eye.forward, away, eye.near, this.#inClip(clip));
    this.drawn.setOrder(this.order.sorted, count);
  }

  #inClip(clip) {
    if (!clip) return null;
    const { origin } = this.drawn;
    const upright = shortestRotation(this.viewer.eye.up, [0, 0, 1]);
    return (x, y, z) => {
      const place = rotate(upright, [origin[0] + x, origin[1] + y, origin[2] + z]);
      return place.every((value, axis) => value >= clip.min[axis] && value <= clip.max[axis]);
    };
  }
}

const poseOf = (row, table) => ({
  centre: table.centre(row),
  orientation: table.orientation(row),
  scale: table.cameraScale(row),
});
