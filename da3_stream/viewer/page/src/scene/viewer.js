/** The view of a run: what tools and the user interface talk to. */
import { Group } from "three";
import { normalized, subtract } from "../tables/float64.js";
import { Announcer } from "./announcer.js";
import { Cameras } from "./cameras.js";
import { Controls } from "./controls.js";
import { Counters } from "./counters.js";
import { Drawing } from "./drawing.js";
import { Eye } from "./eye.js";
import { Places } from "./places.js";
import { Pace } from "./pace.js";
import { PointsView } from "./points_view.js";
import { Renderer } from "./renderer.js";
import { RunData } from "./run_data.js";
import { defaultSettings, withChanges } from "./settings.js";
import { Splats } from "./splats.js";
import { Standpoint } from "./standpoint.js";
import { eyeUniforms } from "./strokes.js";

const EVENTS = ["state", "frames", "poses", "select", "change", "tick", "connection"];

export class Viewer extends Announcer {
  /** @param {HTMLElement} root filled by the canvas @param {import("../source.js").Source} source */
  constructor(root, source) {
    super(EVENTS);
    this.source = source;
    this.settings = defaultSettings();
    this.selected = null; // row of the frame table
    this.eye = new Eye();
    this.shared = eyeUniforms();
    this.overlay = new Group();
    this.standpoint = new Standpoint(this);
    this.places = new Places(this);
    this.takesClick = () => false;
    this.shown = null; // the state that is drawn
    this.ready = new Promise((resolve) => (this.becomeReady = resolve));
    this.points = new PointsView(source, this.shared, {
      changed: () => this.invalidate(),
      failed: (error) => this.emit("connection", `Points could not be read (${error.message}); they are asked for again.`),
    });
    this.renderer = new Renderer(root, { draw: (seconds) => this.drawing.draw(seconds), resized: (w, h) => this.#resized(w, h) });
    this.splats = new Splats(this);
    this.pace = new Pace(() => this.invalidate());
    this.counters = new Counters(this);
    this.data = new RunData(source, this.#dataEvents());
    this.cameras = new Cameras(this.shared);
    const { path, loops, frusta } = this.cameras;
    this.renderer.scene.add(this.points.clouds.group, path.object, loops.object, frusta.object, this.overlay);
    this.controls = new Controls(this.renderer.canvas, this.eye, this.#controlEvents());
    this.drawing = new Drawing(this);
    this.data.follow();
  }

  /** @returns {object|null} the last answer of /state */
  get state() {
    return this.data.state;
  }

  /** @returns {import("../tables/frame_table.js").FrameTable} */
  get table() {
    return this.data.table;
  }

  /** Changes settings. @param {Partial<import("./settings.js").Settings>} changes */
  set(changes) {
    const before = this.settings;
    this.settings = withChanges(before, changes);
    if (before.follow && !this.settings.follow) this.standpoint.following.stop();
    if (before.time !== this.settings.time) this.pace.move();
    this.emit("change", this.settings);
    this.#moved();
  }

  /** Asks for one more picture; `drawn()` waits for it. */
  invalidate() {
    this.renderer.invalidate();
  }

  drawn() {
    return this.renderer.drawn();
  }

  // --- frames

  /** What is known of a frame without asking the server. */
  frame(row) {
    const frame = this.table.frame(row);
    if (!frame) return null;
    const segment = this.cameras.segmentOf.get(frame.submap) ?? null;
    return { ...frame, segment, status: this.state?.statuses?.[frame.statusCode] ?? null };
  }

  /** Marks a frame, or none. */
  select(row) {
    if (row === this.selected) return;
    this.selected = row;
    this.cameras.select(row);
    this.invalidate();
    this.emit("select", row);
  }

  // --- places

  /** @returns {{frameRow: number, submap: number, position: number[], colour: number[], confidence: number}|null} */
  pick(x, y) {
    return this.places.pick(x, y);
  }

  /** Clicks go to a tool first, which says whether it took them. @param {(x: number, y: number) => boolean} tool */
  giveClicksTo(tool) {
    this.takesClick = tool;
  }

  /** CSS pixels of a place in the world. @returns {{x: number, y: number, inFront: boolean}} */
  project(position) {
    return this.eye.project(position);
  }

  /** Upright coordinates: the world turned so that up is z. Clip boxes are given in them. */
  toUpright(position) {
    return this.places.toUpright(position);
  }

  fromUpright(position) {
    return this.places.fromUpright(position);
  }

  /** Puts an object of `overlay` at a place in the world: its geometry is relative to that place. */
  place(object, position) {
    object.userData.world = [...position];
    this.placeObject(object);
    this.invalidate();
  }

  /** Its position relative to the eye, which moves. */
  placeObject(object) {
    if (object.userData.world) object.position.set(...subtract(object.userData.world, this.eye.position));
  }

  // --- the eye

  /** Looks at a place from `distance`, as before or along `direction` (from the eye to the place). */
  lookAt(position, distance, direction = null) {
    this.standpoint.isChosen = true;
    this.standpoint.lookAt(position, distance, direction);
    this.#moved();
  }

  /** Stands where a frame was taken and looks as its camera did, until a person moves the eye; null: no longer. */
  lookThrough(row) {
    if (row === null) this.standpoint.leaveCamera();
    const frame = row === null ? null : this.frame(row);
    if (!frame?.centre) return this.invalidate();
    if (this.settings.follow) this.set({ follow: false });
    this.standpoint.isChosen = true;
    this.standpoint.lookThrough(frame, 20 * this.cameras.step);
    this.#moved();
  }

  /** Where a frame's picture lies on the screen while one looks through its camera, CSS pixels; or null. */
  imageRectangle() {
    const { looking } = this.standpoint;
    return looking === null ? null : this.eye.imageRectangle(this.frame(looking).intrinsics);
  }

  /** Sees the whole run. */
  fit() {
    this.standpoint.fit();
    this.#moved();
  }

  #moved() {
    this.standpoint.keep(this.settings);
    this.invalidate();
  }

  /** Row of the last frame of the time that is shown, else of the newest; -1: none. */
  rowToFollow() {
    return this.table.lastCamera(this.settings.time ? this.settings.time[1] : Infinity);
  }

  #dataEvents() {
    return {
      restarted: () => {
        this.points.reset();
        this.select(null);
      },
      frames: (first) => this.emit("frames", first),
      poses: (rows, correction) => {
        this.points.setPoses(rows, this.table);
        this.counters.corrected(correction);
        this.emit("poses", rows);
      },
      state: (state) => this.#setState(state),
      connection: (text) => this.emit("connection", text),
      firstPicture: () => this.counters.firstPicture,
    };
  }

  #setState(state) {
    const isFirst = this.shown === null;
    this.shown = state;
    this.eye.up = normalized(state.up);
    this.points.setSubmaps(state.submaps, this.table);
    this.cameras.update(this.table, state);
    if (isFirst) this.set(this.standpoint.begin());
    if (!this.standpoint.isChosen) this.standpoint.fit();
    this.emit("state", state);
    this.invalidate();
  }

  #controlEvents() {
    return {
      moved: () => {
        this.standpoint.isChosen = true;
        this.standpoint.leaveCamera();
        const row = this.settings.follow ? this.rowToFollow() : -1;
        if (row >= 0) this.standpoint.following.keep(this.eye, this.table.centre(row));
        this.pace.move();
        this.#moved();
      },
      clicked: (x, y) => this.takesClick(x, y) || this.select(this.places.pickCamera(x, y)),
      doubled: (x, y) => this.#turnAbout(this.pick(x, y)),
      anchor: (x, y) => this.pick(x, y)?.position ?? null,
    };
  }

  #turnAbout(picked) {
    if (picked) this.lookAt(picked.position, 0.7 * Math.hypot(...subtract(picked.position, this.eye.position)));
  }

  #resized(width, height) {
    this.eye.resize(width, height);
    if (this.standpoint.looking !== null) this.lookThrough(this.standpoint.looking);
  }

  /** The picture as it is. @returns {Promise<Blob>} png */
  async capture() {
    await this.drawn();
    return this.renderer.capture();
  }

  /**
   * What the colours mean now: `value` and `colour` (sRGB bytes) at a share 0 ... 1 of the ramp; null for RGB.
   * @returns {{name: string, range: [number, number], value: (share: number) => number,
   *   colour: (share: number) => number[]}|null}
   */
  get legend() {
    return this.points.legend;
  }
}
