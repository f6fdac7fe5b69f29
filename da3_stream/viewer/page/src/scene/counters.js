/** What drawing costs, for tests and the curious. */

const MEGABYTE = 1e6;

export class Counters {
  #viewer;
  #before = null;

  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
    this.correction_bytes = 0;
    this.correction_frames = 0;
    this.pictures = 0;
    this.firstPicture = new Promise((resolve) => (this.hasFirstPicture = resolve));
  }

  get points_drawn() {
    return this.#viewer.points.clouds.drawnPoints;
  }

  get splats_drawn() {
    return this.#viewer.splats.shown;
  }

  get megabytes_drawn() {
    return (this.#viewer.points.bytes + this.#viewer.cameras.bytes) / MEGABYTE;
  }

  get megabytes_kept() {
    return this.#viewer.points.loading.bytes / MEGABYTE;
  }

  get requests() {
    return this.#viewer.source.traffic.requests;
  }

  get bytes() {
    return this.#viewer.source.traffic.bytes;
  }

  get requests_before_first_picture() {
    return this.#before?.requests ?? null;
  }

  get bytes_before_first_picture() {
    return this.#before?.bytes ?? null;
  }

  get frames_per_second() {
    return this.#viewer.renderer.framesPerSecond;
  }

  /** Nothing that the view wants is on its way, and the last picture shows all of it. */
  get settled() {
    const { points, splats, renderer, pace } = this.#viewer;
    return points.loading.isIdle && splats.isIdle && !renderer.pending && pace.isResting && this.points_drawn > 0;
  }

  /** A picture was drawn; the first with points counts as the first. */
  drew() {
    this.pictures += 1;
    if (this.#before || !this.points_drawn) return;
    this.#before = { requests: this.requests, bytes: this.bytes };
    this.hasFirstPicture();
  }

  corrected({ frames, bytes }) {
    this.correction_frames += frames;
    this.correction_bytes += bytes;
  }
}
