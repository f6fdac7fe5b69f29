/** What trust is called, and its colour. */

export const BELIEVED = 0.5; // poses of less are more likely wrong than right: docs/trust.md
const ENOUGH = 0.9; // share of believed poses of a run that is OK

/** What the status of a frame means: docs/trust.md. */
export const STATUS_WORDS = {
  OK: "OK: nothing speaks against the pose",
  WEAK: "WEAK: placed, but more likely wrong than right",
  HELD: "HELD: the camera stands, the last pose is repeated; no depth",
  TURNED: "TURNED: the camera only turns, its turns are known; no depth",
  FAILED: "FAILED: its window has no geometry",
  INTERPOLATED: "INTERPOLATED: left out by the gate, the pose lies between those of its neighbours",
  UNPLACED: "UNPLACED: no pose",
  DEPTH: "DEPTH: depth alone, by a model that gives no poses",
};

/**
 * Trust in a run in a word or two, as the report has it, and the name of its colour.
 * @param {any} run of /state
 */
export function runTrust({ state, frames_placed: placed, trust, advice }) {
  const share = trust?.share ?? null;
  if (state !== "running" && placed === 0) return { word: "nothing placed", tone: "bad" };
  if (share === null) return { word: state === "running" ? "not known yet" : "not measured", tone: "unknown" };
  if (share >= ENOUGH && !advice.some((row) => row.distrusted)) return { word: "good", tone: "good" };
  return share >= BELIEVED ? { word: "in parts", tone: "doubtful" } : { word: "low", tone: "bad" };
}

/** Trust in a pose by its confidence. @param {number} confidence */
export function poseTrust(confidence) {
  if (!Number.isFinite(confidence)) return { word: "not judged", tone: "unknown" };
  if (confidence >= ENOUGH) return { word: "believed", tone: "good" };
  return confidence >= BELIEVED ? { word: "likely", tone: "doubtful" } : { word: "doubted", tone: "bad" };
}
