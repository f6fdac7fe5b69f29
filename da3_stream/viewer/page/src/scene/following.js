/** The eye goes with the camera: behind it and above, turned as it goes. */
import { add, cross, dot, normalized, rotate, scaled, subtract } from "../tables/float64.js";

const TURN_S = 0.3; // after which two thirds of a turn are taken

/** What is left of a direction without its part along `up`, of length one. */
function level(direction, up, fallback) {
  return normalized(subtract(direction, scaled(up, dot(direction, up))), fallback);
}

export class Following {
  constructor() {
    this.heading = null;
    this.offset = null; // of the eye from the camera: ahead, to the right, upwards
  }

  /** Keeps the place beside the camera that the eye has now (a person moved it). */
  keep(eye, centre) {
    if (!this.heading) return;
    const away = subtract(eye.position, centre);
    const right = cross(this.heading, eye.up);
    this.offset = [dot(away, this.heading), dot(away, right), dot(away, eye.up)];
  }

  stop() {
    this.heading = null;
    this.offset = null;
  }

  /**
   * @param {import("./eye.js").Eye} eye @param {number[]} centre @param {number[]} orientation of the camera
   * @param {number} seconds since the last picture @param {number} distance to begin with, at most
   */
  move(eye, centre, orientation, seconds, distance) {
    const ahead = level(rotate(orientation, [0, 0, 1]), eye.up, level(eye.forward, eye.up, [1, 0, 0]));
    const share = this.heading ? 1 - Math.exp(-seconds / TURN_S) : 1;
    this.heading = level(add(scaled(this.heading ?? ahead, 1 - share), scaled(ahead, share)), eye.up, ahead);
    const behind = Math.min(eye.distance, distance);
    this.offset ??= [-0.8 * behind, 0, 0.45 * behind];
    const right = cross(this.heading, eye.up);
    const [forwards, sideways, upwards] = this.offset;
    const away = add(add(scaled(this.heading, forwards), scaled(right, sideways)), scaled(eye.up, upwards));
    eye.look(add(centre, away), centre);
  }
}
