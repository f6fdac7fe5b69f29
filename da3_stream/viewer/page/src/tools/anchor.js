/** Points that the user picked: kept in the frame of their submap, so that they go with a correction as the cloud does. */

/**
 * @typedef {object} Anchor
 * @property {number} row of the frame that shows the point
 * @property {number[]} inSubmap position in the frame of its submap
 * @property {number|null} depthSigma standard deviation of its depth as a share of it; null where nobody knows
 */

// Against the true depth of a rendered town, within one frame (docs/viewer.md): errors are half as large again as the
// flow's own noise says, and never below 2 %, which smoothing of the flow leaves.
const OF_NOISE = 1.5;
const LEAST = 0.02;

/**
 * Standard deviation of a depth as a share of it, by its confidence: of structure from motion that is depth over the
 * noise of the flow; of other predictors it has no unit. @param {string} model @param {number|null|undefined} confidence
 */
export function depthSigma(model, confidence) {
  return model === "sfm" && confidence > 0 ? Math.hypot(OF_NOISE / confidence, LEAST) : null;
}

/**
 * @param {import("../ui/run_view.js").RunView} run
 * @param {number} row @param {number[]} position in the world @param {number|null} confidence as the run stores it
 * @returns {Anchor}
 */
export function anchorOf(run, row, position, confidence) {
  const sigma = depthSigma(run.state?.run.model ?? "", confidence);
  return { row, inSubmap: run.submapFromWorld(row, position), depthSigma: sigma };
}

/** Where it is now, null without a pose. @param {import("../ui/run_view.js").RunView} run @param {Anchor} anchor */
export const positionOf = (run, anchor) => run.worldFromSubmap(anchor.row, anchor.inSubmap);

/**
 * The point with what is known of its error, null without a pose.
 * @returns {import("./uncertainty.js").Sighting|null}
 */
export function sightingOf(run, anchor) {
  const [position, camera] = [positionOf(run, anchor), run.pinholeOf(anchor.row)];
  if (position === null || camera === null) return null;
  return { position, camera: camera.centre, frameRow: anchor.row, depthSigma: anchor.depthSigma, pixel: 1 / camera.fx };
}
