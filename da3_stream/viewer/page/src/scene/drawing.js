/** What happens in each picture: the eye goes on, points are chosen, settings become what the shaders know. */
import { subtract } from "../tables/float64.js";

/** While the eye moves on a machine that draws less than this share fluently, pyramids wait until it rests. */
const FRUSTA_SHARE = 0.3;

export class Drawing {
  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
  }

  /** @returns {boolean} whether the next picture will be another, even if nothing happens */
  draw(seconds) {
    const { viewer } = this;
    const goesOn = this.#moveEye(seconds);
    viewer.pace.draws(seconds);
    this.#applySettings();
    viewer.eye.seeAsFarAs(this.#far());
    viewer.points.choose(viewer.eye, viewer.renderer.pixelRatio, viewer.settings.pointSize, viewer.pace.share);
    viewer.points.colour(viewer.settings, viewer.eye);
    viewer.splats.update();
    viewer.points.clouds.group.visible = viewer.settings.show.points && !viewer.splats.isDrawn;
    for (const object of viewer.overlay.children) viewer.placeObject(object);
    viewer.renderer.render(viewer.eye, viewer.shared);
    this.#tell();
    return goesOn;
  }

  /** Flying and following. @returns {boolean} whether the eye moved by itself */
  #moveEye(seconds) {
    const { viewer } = this;
    const flies = viewer.controls.fly(seconds);
    const followed = viewer.settings.follow ? viewer.frame(viewer.rowToFollow()) : null;
    const follows = followed !== null && viewer.standpoint.follow(followed, seconds);
    if (flies || follows) viewer.pace.move();
    return flies || follows;
  }

  #tell() {
    const { counters, points } = this.viewer;
    counters.drew();
    points.loading.release(points.clouds.drawnPoints > 0);
    this.viewer.emit("tick", counters);
    if (points.clouds.drawnPoints && points.loading.isIdle) this.viewer.becomeReady();
  }

  #applySettings() {
    const { viewer } = this;
    const { show, time } = viewer.settings;
    const [from, to] = time ?? [-Infinity, Infinity];
    const first = viewer.table.count ? viewer.table.time[0] : 0;
    viewer.shared.u_time.value.set(Math.max(-3e38, from - first), Math.min(3e38, to - first));
    viewer.cameras.path.object.visible = show.path;
    const standInItsWay = viewer.standpoint.looking !== null;
    viewer.cameras.frusta.object.visible = show.frusta && !standInItsWay && viewer.pace.share > FRUSTA_SHARE;
    viewer.cameras.loops.object.visible = show.loops;
  }

  #far() {
    const { eye, points } = this.viewer;
    const bounds = points.bounds();
    if (!bounds) return 10 * eye.distance;
    return Math.hypot(...subtract(bounds.centre, eye.position)) + 1.5 * bounds.radius;
  }
}
