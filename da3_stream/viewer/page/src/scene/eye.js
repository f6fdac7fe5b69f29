/** The eye: where it is (double precision), how it is turned, what it sees. */
import { add, dot, lookingAlong, multiply, normalized, rotate, scaled, subtract } from "../tables/float64.js";

const FOV_DEG = 55;
/** What of a scene's nearer half counts when all of it should be seen: its corners are seldom filled. */
const NEARER = 0.5;

/** Least and largest of each coordinate. */
function boundsOf(places) {
  const bounds = [0, 1, 2].map(() => [Infinity, -Infinity]);
  for (const place of places) {
    bounds.forEach((bound, axis) => {
      bound[0] = Math.min(bound[0], place[axis]);
      bound[1] = Math.max(bound[1], place[axis]);
    });
  }
  return bounds;
}

export class Eye {
  constructor() {
    this.position = [0, 0, 0];
    this.target = [1, 0, 0]; // what it turns about
    this.up = [0, 0, 1];
    this.orientation = lookingAlong([1, 0, 0], this.up); // x right, y up, looks along -z
    this.fovDeg = FOV_DEG; // upwards
    this.near = 0.01;
    this.far = 1000;
    this.width = 1; // CSS pixels
    this.height = 1;
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
  }

  resetFov() {
    this.fovDeg = FOV_DEG;
  }

  /** Focal length in CSS pixels. */
  get focal() {
    return this.height / 2 / Math.tan((this.fovDeg * Math.PI) / 360);
  }

  get forward() {
    return rotate(this.orientation, [0, 0, -1]);
  }

  get distance() {
    return Math.max(1e-9, Math.hypot(...subtract(this.target, this.position)));
  }

  /** Stands at `position` and looks at `target` with `up` upwards. */
  look(position, target) {
    this.position = [...position];
    this.target = [...target];
    this.orientation = lookingAlong(subtract(target, position), this.up);
  }

  /** Stands at `position`, turned by hand: `target` follows straight ahead. */
  stand(position, orientation, distance) {
    this.position = [...position];
    this.orientation = [...orientation];
    this.target = add(position, scaled(this.forward, distance));
  }

  /**
   * Stands as a camera stood, with its whole picture in view.
   * @param {{centre: number[], orientation: number[], intrinsics: number[]}} frame of Viewer.frame
   * @param {number} distance to what the eye turns about, straight ahead
   */
  standAsCamera({ centre, orientation, intrinsics }, distance) {
    const [fx, fy, , , width, height] = intrinsics;
    const focal = Math.min((this.width / width) * fx, (this.height / height) * fy);
    this.fovDeg = (2 * Math.atan(this.height / 2 / focal) * 180) / Math.PI;
    this.stand(centre, multiply(orientation, [1, 0, 0, 0]), distance); // y up and backwards instead of down and ahead
  }

  /** Where the picture of a camera lies on the screen when the eye stands as it did, CSS pixels. */
  imageRectangle([fx, fy, cx, cy, width, height]) {
    const [kx, ky] = [this.focal / fx, this.focal / fy];
    return { x: this.width / 2 - cx * kx, y: this.height / 2 - cy * ky, width: width * kx, height: height * ky };
  }

  /**
   * How far to stand from the target, and how far to shift it across, to see all places with something around them.
   * @param {number[][]} places world @param {number} around radius about each
   * @param {number} covered so much of the lower end cannot be seen, CSS pixels
   */
  toSeeAll(places, around, covered = 0) {
    const { right, up, forward, focal } = this.ray(0, 0);
    const [wide, high, lower] = [this.width, this.height - covered, covered].map((pixels) => pixels / 2 / focal);
    const box = boundsOf(places.map((place) => [right, up, forward].map((axis) => dot(subtract(place, this.target), axis))));
    const [x, y] = [0, 1].map((axis) => (box[axis][0] + box[axis][1]) / 2);
    const need = ([least, most], slope) => ((most - least) / 2 + around) / slope;
    const needed = Math.max(need(box[0], wide), need(box[1], high)) - Math.min(0, box[2][0]) * NEARER;
    const distance = Math.max(needed, 1e-6);
    return { distance, shift: add(scaled(right, x), scaled(up, y - lower * distance)) };
  }

  /** @param {number} far what is seen reaches this far, world units */
  seeAsFarAs(far) {
    this.near = Math.max(far * 1e-6, this.distance * 2e-3);
    this.far = Math.max(far, this.near * 10) * 1.1;
  }

  /** The axes of the view and a place of the screen, for picking. @returns {import("./picking.js").Ray} */
  ray(x, y) {
    return {
      eye: this.position,
      right: rotate(this.orientation, [1, 0, 0]),
      up: rotate(this.orientation, [0, 1, 0]),
      forward: this.forward,
      focal: this.focal,
      x: x - this.width / 2,
      y: this.height / 2 - y,
    };
  }

  /** Direction of a ray of the screen in the world, of length one. */
  direction(x, y) {
    const { right, up, forward, focal, x: dx, y: dy } = this.ray(x, y);
    return normalized(add(forward, add(scaled(right, dx / focal), scaled(up, dy / focal))));
  }

  /** CSS pixels of a place in the world, from the upper left. @returns {{x: number, y: number, inFront: boolean}} */
  project(place) {
    const { right, up, forward, focal } = this.ray(0, 0);
    const away = subtract(place, this.position);
    const depth = dot(away, forward);
    const x = this.width / 2 + (dot(away, right) / depth) * focal;
    const y = this.height / 2 - (dot(away, up) / depth) * focal;
    return { x, y, inFront: depth > 0 };
  }

  /** What levels are chosen for. @returns {import("./levels.js").View} */
  view(pixelRatio) {
    const { right, up, forward, focal } = this.ray(0, 0);
    const side = (axis, extent) => {
      const norm = Math.hypot(focal, extent);
      return { normal: add(scaled(axis, focal / norm), scaled(forward, extent / norm)), constant: 0 };
    };
    const [w, h] = [this.width / 2, this.height / 2];
    const planes = [side(right, w), side(scaled(right, -1), w), side(up, h), side(scaled(up, -1), h)];
    return { eye: this.position, planes, focal: focal * pixelRatio, near: this.near };
  }
}
