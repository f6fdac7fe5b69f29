/** How much may be drawn so that moving stays fluent: less while the eye moves on a slow machine, all when it rests. */

const SLOW_S = 1 / 12;
const FAST_S = 1 / 30;
const LEAST = 0.05;
const REST_MS = 250;

export class Pace {
  /** @param {() => void} rested is called when the eye came to rest after less than all was drawn */
  constructor(rested) {
    this.rested = rested;
    this.share = 1; // of the budget of points
    this.learnt = 1; // the share that was fluent when the eye moved last
    this.timer = 0;
    this.isMoving = false;
    this.hasDrawn = false; // a picture of this movement
  }

  get isResting() {
    return !this.isMoving;
  }

  /** The eye moves: until it rests the learnt share is drawn. */
  move() {
    clearTimeout(this.timer);
    this.isMoving = true;
    this.share = this.learnt;
  }

  #rest() {
    this.isMoving = false;
    this.hasDrawn = false;
    this.share = 1;
    this.rested();
  }

  /** A picture is due. Learns from the time between two of a movement. @param {number} seconds since the last one */
  draws(seconds) {
    if (!this.isMoving) return;
    if (this.hasDrawn) this.#learn(seconds);
    this.hasDrawn = true;
    this.share = this.learnt;
    clearTimeout(this.timer); // counts from the last picture: a slow machine draws long after it was told to
    this.timer = setTimeout(() => this.#rest(), REST_MS);
  }

  #learn(seconds) {
    if (seconds > SLOW_S) this.learnt = Math.max(LEAST, this.learnt * Math.max(0.5, SLOW_S / seconds));
    else if (seconds < FAST_S) this.learnt = Math.min(1, this.learnt * 1.1);
  }
}
