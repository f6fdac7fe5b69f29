/** Brings the splats of frames, a few at a time, and forgets those that are not wanted any more. */
import { decodeSplats } from "./answer.js";

const IN_FLIGHT = 4;
const RETRY_MS = 3000;

const keyOf = ({ row, most, revision }) => `${row}/${most}/${revision}`;

export class SplatLoading {
  /** @param {import("../source.js").Source} source @param {{arrived: () => void, failed: (error: Error) => void}} events */
  constructor(source, events) {
    this.source = source;
    this.events = events;
    this.kept = new Map(); // by key
    this.wanted = [];
    this.asked = new Set();
    this.pausedUntil = 0;
  }

  /** @param {import("./choice.js").Wanted[]} wanted in order of need */
  want(wanted) {
    this.wanted = wanted;
    const keys = new Set(wanted.map(keyOf));
    for (const key of this.kept.keys()) if (!keys.has(key)) this.kept.delete(key);
    this.#start();
  }

  get isIdle() {
    return this.wanted.every((frame) => this.kept.has(keyOf(frame)));
  }

  /** Those wanted that are here. @returns {{row: number, splats: import("./answer.js").FrameSplats}[]} */
  here() {
    const found = this.wanted.map((frame) => ({ row: frame.row, splats: this.kept.get(keyOf(frame)) }));
    return found.filter(({ splats }) => splats && splats.count > 0);
  }

  #start() {
    if (performance.now() < this.pausedUntil) return;
    for (const frame of this.wanted) {
      if (this.asked.size >= IN_FLIGHT) return;
      if (!this.kept.has(keyOf(frame)) && !this.asked.has(keyOf(frame))) this.#bring(frame);
    }
  }

  async #bring(frame) {
    const key = keyOf(frame);
    this.asked.add(key);
    try {
      const splats = decodeSplats(await this.source.splats(frame.row, frame.most, frame.revision));
      if (this.wanted.some((other) => keyOf(other) === key)) this.kept.set(key, splats);
    } catch (error) {
      this.pausedUntil = performance.now() + RETRY_MS;
      setTimeout(() => this.#start(), RETRY_MS + 1);
      this.events.failed(error);
    } finally {
      this.asked.delete(key);
      this.#start();
      this.events.arrived();
    }
  }
}
