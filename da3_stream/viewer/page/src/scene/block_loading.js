/** Brings headers and blocks of points, a few at a time, and forgets what was not drawn for longest. */
import { decodeBlock, POINT_BYTES } from "../tables/decoding.js";

const IN_FLIGHT = 6;
/** A request brings at most this much. */
const REQUEST_BYTES = 1 << 20;
/** What is kept of points, drawn or not. */
export const KEPT_BYTES = 64e6;
const RETRY_MS = 3000;
/** Headers and blocks that are asked for before the first picture; it comes the sooner. */
const FIRST_REQUESTS = 8;

export class BlockLoading {
  /**
   * @param {import("../source.js").Source} source
   * @param {{opened: Function, arrived: Function, forgotten: Function, failed: Function}} events
   */
  constructor(source, events) {
    this.source = source;
    this.events = events;
    this.inFlight = 0;
    this.bytes = 0;
    this.kept = new Set(); // nodes with a block
    this.wanted = []; // submaps without a header, and nodes without a block, in order of need
    this.turn = 0;
    this.asked = 0; // requests so far
    this.pausedUntil = 0;
    this.isHeldBack = true; // until the first picture, which should be cheap
  }

  /** Says what is needed now, in order of need; what is on its way arrives all the same. */
  want(submaps, nodes) {
    const isCoarse = (node) => !node.parent;
    this.wanted = [...nodes.filter(isCoarse), ...submaps, ...nodes.filter((node) => !isCoarse(node))];
    this.turn += 1;
    for (const node of nodes) node.wantedAt = this.turn;
    this.#start();
  }

  /** From the first picture on requests are not held back any more. @param {boolean} isDrawn any point */
  release(isDrawn) {
    if (!this.isHeldBack || (!isDrawn && (this.inFlight > 0 || this.asked === 0))) return;
    this.isHeldBack = false;
    this.#start();
  }

  get isIdle() {
    return this.inFlight === 0 && this.wanted.every((item) => item.block || item.header);
  }

  #start() {
    if (performance.now() < this.pausedUntil) return;
    for (const item of this.wanted) {
      if (this.inFlight >= IN_FLIGHT || (this.isHeldBack && this.asked >= FIRST_REQUESTS)) return;
      if (item.asked || item.block || item.header) continue;
      this.asked += 1;
      if (item.submap) this.#bring(this.#run(item));
      else this.#open(item);
    }
  }

  /** A node and those behind it that are wanted, too, as one request: blocks lie breadth first. */
  #run(first) {
    const run = [first];
    let bytes = first.points * POINT_BYTES;
    for (const node of first.submap.nodes.slice(first.number + 1)) {
      bytes += node.points * POINT_BYTES;
      if (node.wantedAt !== this.turn || node.asked || node.block || bytes > REQUEST_BYTES) break;
      run.push(node);
    }
    return run;
  }

  /** The header of a submap; its coarsest level is wanted next. */
  async #open(submap) {
    submap.asked = true;
    await this.#during(async () => {
      const header = await this.source.submap(submap.info.id);
      if (submap.closed) return;
      this.events.opened(submap, header);
      this.wanted.unshift(...submap.roots);
    }, [submap]);
  }

  async #bring(run) {
    for (const node of run) node.asked = true;
    const { submap } = run[0];
    await this.#during(async () => {
      const buffer = await this.source.points(submap.info.id, submap.header, run[0].number, run.at(-1).number);
      if (submap.closed) return;
      for (const node of run) this.#keep(node, buffer, run[0].offset);
      this.events.arrived(run);
    }, run);
  }

  #keep(node, buffer, origin) {
    const bytes = POINT_BYTES * node.points;
    const start = node.offset - origin;
    const own = buffer.byteLength === bytes ? buffer : buffer.slice(start, start + bytes); // so that it can go alone
    node.block = decodeBlock(own, 0, node.points);
    this.kept.add(node);
    this.bytes += bytes;
  }

  /** Counts a request while it is on its way; after a failure nothing is asked for a while. */
  async #during(work, items) {
    this.inFlight += 1;
    try {
      await work();
    } catch (error) {
      this.pausedUntil = performance.now() + RETRY_MS;
      setTimeout(() => this.#start(), RETRY_MS + 1);
      this.events.failed(error);
    } finally {
      this.inFlight -= 1;
      for (const item of items) item.asked = false;
      this.#start();
    }
  }

  /** Forgets blocks that were not drawn for longest until the rest fits. @param {number} tick of this picture */
  forgetOld(tick) {
    if (this.bytes <= KEPT_BYTES) return;
    const old = [...this.kept].filter((node) => node.lastDrawn < tick).sort((a, b) => a.lastDrawn - b.lastDrawn);
    for (const node of old) {
      if (this.bytes <= KEPT_BYTES) return;
      this.forget(node);
    }
  }

  forget(node) {
    if (!this.kept.delete(node)) return;
    this.bytes -= POINT_BYTES * node.points;
    node.block = null;
    this.events.forgotten(node);
  }

  /** Forgets a whole submap: it was made anew or is gone. */
  close(submap) {
    submap.closed = true;
    for (const node of submap.nodes) this.forget(node);
  }
}
