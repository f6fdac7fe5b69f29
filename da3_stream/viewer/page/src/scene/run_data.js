/** Keeps what the page knows of a run up to date: state, frames, poses. Survives that server or run start anew. */
import { decodeFrames, decodePoses } from "../tables/decoding.js";
import { FrameTable } from "../tables/frame_table.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;
const FORBIDDEN = new Set([401, 403]);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class RunData {
  /**
   * @param {import("../source.js").Source} source
   * @param {{restarted: () => void, state: (state: object) => void, frames: (first: number) => void,
   *   poses: (rows: Iterable<number>, correction: {frames: number, bytes: number}) => void,
   *   connection: (text: string|null) => void}} events
   */
  constructor(source, events) {
    this.source = source;
    this.events = events;
    this.table = new FrameTable();
    this.state = null;
    this.firstWaitMs = FIRST_WAIT_MS;
    this.stopped = new AbortController();
  }

  stop() {
    this.stopped.abort();
  }

  /** Asks for ever; a failure is said, and asked again after a pause that grows. */
  async follow() {
    let wait = this.firstWaitMs;
    while (!this.stopped.signal.aborted) {
      try {
        await this.#next();
        wait = this.firstWaitMs;
        this.events.connection(null);
      } catch (error) {
        if (this.stopped.signal.aborted) return;
        this.events.connection(explain(error));
        await sleep(wait);
        wait = Math.min(LONGEST_WAIT_MS, 2 * wait);
      }
    }
  }

  async #next() {
    const state = await this.source.state(this.state?.revision ?? null, this.stopped.signal, this.state?.epoch);
    if (!state) return;
    if (this.state && this.#isAnother(state)) this.#restart();
    await this.#readFrames(state.frames);
    await this.#readPoses(state);
    this.state = state;
    this.events.state(state);
  }

  /** The server or the run began anew: what is numbered by the old one means nothing. */
  #isAnother(state) {
    return state.epoch !== this.state.epoch || state.frames < this.table.count || state.poses_revision < this.table.revision;
  }

  #restart() {
    this.table = new FrameTable();
    this.events.restarted();
  }

  async #readFrames(frames) {
    const first = this.table.count;
    if (frames <= first) return;
    this.table.append(decodeFrames(await this.source.frames(first)));
    this.events.frames(first);
  }

  async #readPoses(state) {
    if (state.poses_revision !== this.table.revision) {
      const buffer = await this.source.poses(this.table.revision);
      const poses = decodePoses(buffer);
      await this.#readFrames(poses.row.reduce((most, row) => Math.max(most, row + 1), 0)); // newer than the state
      const known = poses.row.filter((row) => this.table.hasPose(row)).length;
      const rows = this.table.setPoses(poses);
      await this.#readCameras();
      const bytes = known ? Math.round((buffer.byteLength * known) / poses.count) : 0;
      this.events.poses(rows, { frames: known, bytes });
    }
  }

  /** A camera stays where it is in its submap: it is asked for once, and corrections carry it along. */
  async #readCameras() {
    const first = this.table.firstWithoutCamera();
    if (first < this.table.count) this.table.setCameras(decodePoses(await this.source.cameras(first)));
  }
}

const ANSWERS = "it has ended, or cannot be reached. 'da3-stream view' starts it, and then this page goes on.";

function explain(error) {
  if (FORBIDDEN.has(error.status)) return "The server wants its token: open the whole address that it printed.";
  if (error.status === 0) return `The server does not answer: ${ANSWERS}`;
  return `The server's answer could not be used (${error.message}); it is asked again.`;
}
