/** Brings headers and blocks of points, a few at a time, and forgets what was not drawn for longest. */
import { decodeBlock, POINT_BYTES } from "../tables/decoding.js";

const IN_FLIGHT = 6;
const REQUEST_BYTES = 1 << 20;
/** What is kept of points, drawn or not. */
export const KEPT_BYTES = 64e6;
const RETRY_MS = 3000;

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
    this.pausedUntil = 0;
  }

  /** Says what is needed now, most needed first; what is on its way arrives all the same. */
  want(submaps, nodes) {
    this.wanted = [...submaps, ...nodes];
    this.#start();
  }

  get isIdle() {
    return this.inFlight === 0 && this.wanted.every((item) => item.asked || item.block);
  }

  #start() {
    if (performance.now() < this.pausedUntil) return;
    let next = 0;
    while (this.inFlight < IN_FLIGHT && next < this.wanted.length) {
      const item = this.wanted[next++];
      if (item.asked || item.block || item.header) continue;
      if (item.submap) this.#bring(this.#run(item, next));
      else this.#open(item);
    }
  }

  /** Nodes that follow each other in a submap and are wanted next, as one request. */
  #run(first, next) {
    const run = [first];
    let bytes = first.points * POINT_BYTES;
    for (const item of this.wanted.slice(next, next + 64)) {
      const follows = item.submap === first.submap && item.number === run.at(-1).number + 1 && !item.asked;
      if (!follows || bytes + item.points * POINT_BYTES > REQUEST_BYTES) continue;
      run.push(item);
      bytes += item.points * POINT_BYTES;
    }
    return run;
  }

  async #open(submap) {
    submap.asked = true;
    await this.#during(async () => this.events.opened(submap, await this.source.submap(submap.info.id)), [submap]);
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
