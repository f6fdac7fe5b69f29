/** Where the eye stands and what it goes with: a first view of all, a frame's own view, the camera as it goes. */
import { add, cross, dot, normalized, rotate, scaled, subtract } from "../tables/float64.js";
import { Following } from "./following.js";
import { KeptView } from "./kept_view.js";

/** From above: how far the first view looks down, as the sine of the angle. */
const DOWN = 0.6;
/** A path so many times longer than wide is seen from the side. */
const LONG = 2.5;
/** What of a submap's radius the first view shows around its cameras: rays that never met anything reach further. */
const AROUND = 0.4;
/** Where the ride along with a camera begins, in steps from camera to camera. */
const BEHIND = 40;
/** The time line lies over so much of the view's lower end, CSS pixels; on low views over a quarter at most. */
const COVERED_PX = 80;

export class Standpoint {
  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    this.eye = viewer.eye;
    this.following = new Following();
    this.kept = new KeptView();
    this.looking = null; // row whose camera one looks through
    this.isChosen = false; // by a person or the address; else all of the run is kept in view
  }

  lookAt(position, distance, direction = null) {
    const along = normalized(direction ?? this.eye.forward, this.eye.forward);
    this.leaveCamera();
    this.eye.look(subtract(position, scaled(along, distance)), position);
  }

  lookThrough(frame, distance) {
    this.looking = frame.row;
    this.eye.standAsCamera(frame, Math.min(this.eye.distance, distance));
  }

  leaveCamera() {
    if (this.looking === null) return;
    this.looking = null;
    this.eye.resetFov();
    this.eye.look(this.eye.position, this.eye.target); // level again
  }

  /** The view that the address tells, if it does. @returns {object} settings that it tells, too */
  begin() {
    const { standpoint, settings } = this.kept.read();
    if (standpoint) {
      this.isChosen = true;
      this.eye.look(standpoint.eye, standpoint.at);
    }
    return settings;
  }

  /** @param {import("./settings.js").Settings} settings */
  keep(settings) {
    const standpoint = () => (this.isChosen ? { eye: this.eye.position, at: this.eye.target } : null);
    this.kept.keep(() => ({ standpoint: standpoint(), settings }));
  }

  /** Sees all cameras and what is around them, from above; a long path from its side. */
  fit() {
    const places = this.viewer.cameras.places.map(({ centre }) => centre);
    const radii = this.viewer.points.radii();
    if (!places.length || !radii.length) return;
    const around = AROUND * radii.sort((a, b) => a - b)[radii.length >> 1];
    const along = normalized(add(scaled(this.#levelDirection(places), Math.sqrt(1 - DOWN * DOWN)), scaled(this.eye.up, -DOWN)));
    const centre = middleOf(places);
    this.lookAt(centre, 1, along);
    const { distance, shift } = this.eye.toSeeAll(places, around, Math.min(COVERED_PX, this.eye.height / 4));
    this.lookAt(add(centre, shift), distance, along);
  }

  /** Across a long path; else as the first camera looked. */
  #levelDirection(places) {
    const { up } = this.eye;
    const [x, y] = levelAxes(up);
    const { direction, ratio } = mainDirection(places.map((place) => [dot(place, x), dot(place, y)]));
    if (ratio > LONG) return add(scaled(x, -direction[1]), scaled(y, direction[0]));
    const ahead = rotate(this.viewer.table.orientation(this.viewer.cameras.places[0].row), [0, 0, 1]);
    return normalized(subtract(ahead, scaled(up, dot(ahead, up))), x);
  }

  /** Goes with a camera. @param {number} seconds since the last picture @returns {boolean} whether the eye moved */
  follow({ centre, orientation }, seconds) {
    this.leaveCamera();
    const before = this.eye.position;
    this.following.move(this.eye, centre, orientation, seconds, BEHIND * this.viewer.cameras.step);
    return Math.hypot(...subtract(before, this.eye.position)) > 1e-3 * this.eye.distance;
  }
}

function middleOf(places) {
  const sides = [0, 1, 2].map((axis) => {
    const values = places.map((place) => place[axis]);
    return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  });
  return sides.map(([low, high]) => (low + high) / 2);
}

function levelAxes(up) {
  const x = normalized(cross(Math.abs(up[0]) < 0.9 ? [1, 0, 0] : [0, 1, 0], up));
  return [x, cross(up, x)];
}

/** Principal axis of places in a plane, and how many times longer than wide they lie. */
export function mainDirection(places) {
  const mean = [0, 1].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length);
  let [xx, xy, yy] = [0, 0, 0];
  for (const place of places) {
    const [x, y] = [place[0] - mean[0], place[1] - mean[1]];
    [xx, xy, yy] = [xx + x * x, xy + x * y, yy + y * y];
  }
  const angle = Math.atan2(2 * xy, xx - yy) / 2;
  const root = Math.hypot((xx - yy) / 2, xy);
  const [most, least] = [(xx + yy) / 2 + root, (xx + yy) / 2 - root];
  return { direction: [Math.cos(angle), Math.sin(angle)], ratio: Math.sqrt(most / Math.max(least, 1e-12 * most)) };
}
