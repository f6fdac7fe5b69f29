/** From where one looks. */
import { cross, length, normalized, scaled, subtract } from "../tables/float64.js";

const ROOM = 1.4; // distance in radii of what shall be seen

/** Ways to look at the scene as a whole, at frames and at points. */
export class Look {
  /** @param {import("./run_view.js").RunView} run */
  constructor(run) {
    this.run = run;
  }

  whole() {
    this.run.viewer.fit();
  }

  fromAbove() {
    this.#from(scaled(this.run.up, -1));
  }

  fromSide() {
    this.#from(scaled(this.#across(), -1));
  }

  /** The frames between two rows, from above. @param {number} first @param {number} last */
  frames(first, last) {
    const { centre, radius } = this.run.sphereOfFrames(first, last);
    if (!centre) return;
    const tilted = normalized(subtract(scaled(this.run.up, -1.5), this.#across()));
    this.run.viewer.lookAt(centre, 2.5 * Math.max(radius, this.run.sceneDepth()), tilted);
  }

  #from(direction) {
    const { min, max } = this.run.bounds();
    const centre = this.run.viewer.fromUpright(min.map((low, i) => (low + max[i]) / 2));
    this.run.viewer.lookAt(centre, (ROOM * length(subtract(max, min))) / 2, normalized(direction));
  }

  /** A level direction across the path: from there a drive is seen from its side. */
  #across() {
    const along = this.run.pathDirection();
    const level = cross(this.run.up, along);
    return length(level) > 1e-6 ? normalized(level) : normalized(cross(this.run.up, [0.3, 0.5, 0.8]));
  }
}
