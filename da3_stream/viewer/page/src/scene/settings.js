/** What a person chose to see. */

/** What points may be coloured by; the shader knows them by their place in this list. */
export const COLOURS = ["rgb", "height", "confidence", "time", "submap", "trust"];

/** What may be shown or hidden. */
export const PARTS = ["points", "path", "frusta", "loops"];

/**
 * @typedef {object} Settings
 * @property {"rgb"|"height"|"confidence"|"time"|"submap"|"trust"} colour
 * @property {number} pointSize factor of the size that closes surfaces
 * @property {{min: number[], max: number[]}|null} clip box in upright coordinates (z along up): Viewer.toUpright
 * @property {boolean} follow the eye goes with the camera
 * @property {[number, number]|null} time seconds from ... to (of the frame table)
 * @property {boolean} splats in the place of points, where the run has them
 * @property {{points: boolean, path: boolean, frusta: boolean, loops: boolean}} show
 */

/** @returns {Settings} */
export function defaultSettings() {
  const show = { points: true, path: true, frusta: true, loops: true };
  return { colour: "rgb", pointSize: 1, clip: null, follow: false, time: null, splats: false, show };
}

const isTriple = (values) => Array.isArray(values) && values.length === 3 && values.every(Number.isFinite);

const CHECKS = {
  colour: (value) => COLOURS.includes(value),
  pointSize: (value) => value > 0 && value <= 20,
  clip: (value) => value === null || (isTriple(value.min) && isTriple(value.max)),
  follow: (value) => typeof value === "boolean",
  time: (value) => value === null || (value.length === 2 && value[0] <= value[1]),
  splats: (value) => typeof value === "boolean",
  show: (value) => Object.entries(value).every(([part, shown]) => PARTS.includes(part) && typeof shown === "boolean"),
};

/** Settings with some replaced; unknown names and values are refused. @returns {Settings} */
export function withChanges(settings, changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (!(name in CHECKS)) throw new Error(`there is no setting ${name}; there are ${Object.keys(CHECKS).join(", ")}`);
    if (!CHECKS[name](value)) throw new Error(`${JSON.stringify(value)} is no ${name}`);
  }
  return { ...settings, ...changes, show: { ...settings.show, ...changes.show } };
}
