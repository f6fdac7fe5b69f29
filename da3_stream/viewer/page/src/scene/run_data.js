/** Keeps what the page knows of a run up to date: state, frames, poses. Survives that server or run start anew. */
import { decodeCameras, decodeFrames, decodePoses } from "../tables/decoding.js";
import { FrameTable } from "../tables/frame_table.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;
/** Of longer runs the first picture is made with every second, third ... frame. */
const COARSE_ROWS = 4096;
/** The rest of the frames waits so long for the first picture: it should be cheap. */
const PICTURE_WAIT_MS = 5000;
const FORBIDDEN = new Set([401, 403]);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class RunData {
  /**
   * @param {import("../source.js").Source} source
   * @param {{restarted: () => void, state: (state: object) => void, frames: (first: number) => void,
   *   poses: (rows: Iterable<number>, correction: {frames: number, bytes: number}) => void,
   *   connection: (text: string|null) => void, firstPicture: () => Promise<void>}} events
   */
  constructor(source, events) {
    this.source = source;
    this.events = events;
    this.table = new FrameTable();
    this.state = null;
    this.isWhole = false; // all poses are known, of some revision
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
    const revision = this.isWhole ? this.state.revision : null;
    const state = await this.source.state(revision, this.stopped.signal, this.state?.epoch);
    if (!state) return;
    if (this.state && this.#isAnother(state)) this.#restart();
    await this.#readFrames(state.frames);
    if (!this.isWhole && state.frames > COARSE_ROWS && !this.source.isEmbedded) await this.#showCoarsely(state);
    if (state.poses_revision !== this.table.revision) await this.#readPoses();
    this.isWhole = true;
    this.#tell(state);
  }

  #tell(state) {
    this.state = state;
    this.events.state(state);
  }

  /** The server or the run began anew: what is numbered by the old one means nothing. */
  #isAnother(state) {
    return state.epoch !== this.state.epoch || state.frames < this.table.count || state.poses_revision < this.table.revision;
  }

  #restart() {
    this.table = new FrameTable();
    this.isWhole = false;
    this.events.restarted();
  }

  async #readFrames(frames) {
    while (this.table.count < frames) {
      const first = this.table.count;
      const rows = decodeFrames(await this.source.frames(first));
      if (!rows.count) throw new Error("the table of frames ends too early");
      this.table.append(rows);
      this.events.frames(first);
    }
  }

  /** A first picture of a long run with frames that are evenly spread over it. */
  async #showCoarsely(state) {
    await this.#readPiece({ since: 0, from: 0, step: Math.ceil(state.frames / COARSE_ROWS) });
    this.#tell(state);
    await Promise.race([this.events.firstPicture(), sleep(PICTURE_WAIT_MS)]);
  }

  /** All that moved since the revision that is known, piece by piece; what moves meanwhile comes the next time. */
  async #readPoses() {
    const since = this.table.revision;
    const { revision, following } = await this.#readPiece({ since, from: 0 });
    for (let from = following; from > 0; ) ({ following: from } = await this.#readPiece({ since, from }));
    this.table.revision = revision;
  }

  /** @param {import("../source.js").WantedRows} wanted */
  async #readPiece(wanted) {
    const buffer = await this.source.poses(wanted);
    const poses = decodePoses(buffer);
    const last = poses.count ? poses.row[poses.count - 1] : -1;
    await this.#readFrames(last + 1); // newer than the state
    const cameras = await this.#readCameras(poses, wanted);
    if (cameras && cameras.revision !== poses.revision) return this.#readPiece(wanted); // it moved between both answers
    const known = wanted.since > 0 ? poses.row.filter((row) => this.table.hasPose(row)).length : 0;
    this.table.setPoses(poses);
    if (cameras) this.table.setCameras(cameras, last);
    const bytes = known ? Math.round((buffer.byteLength * known) / poses.count) : 0;
    this.events.poses(poses.row, { frames: known, bytes });
    return poses;
  }

  /** A camera stays where it is in its submap: it is asked for once, and corrections carry it along. */
  async #readCameras(poses, wanted) {
    const from = poses.row.find((row, k) => poses.scale[k] > 0 && !this.table.hasCamera(row));
    return from === undefined ? null : decodeCameras(await this.source.cameras({ ...wanted, from }));
  }
}

const ANSWERS = "it has ended, or cannot be reached. 'da3-stream view' starts it, and then this page goes on.";

function explain(error) {
  if (FORBIDDEN.has(error.status)) return "The server wants its token: open the whole address that it printed.";
  if (error.status === 0) return `The server does not answer: ${ANSWERS}`;
  return `The server's answer could not be used (${error.message}); it is asked again.`;
}
