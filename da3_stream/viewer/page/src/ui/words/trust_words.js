/** What trust is called, and its colour. */

export const BELIEVED = 0.5; // poses of less are more likely wrong than right: docs/trust.md
const ENOUGH = 0.9; // share of believed poses of a run that is OK

/** Codes of advice that say where the map is not to be trusted: docs/trust.md, first table of codes. */
export const DISTRUSTING = new Set([
  "low_confidence",
  "intrinsics_size",
  "intrinsics_wrong",
  "lens_changed",
  "lens_doubtful",
  "scale_wanders",
  "standing_doubtful",
  "join_doubtful",
]);

/**
 * Trust in a run in one word and the name of its colour.
 * @param {{share: number|null}|null} trust @param {{code: string}[]} advice
 */
export function runTrust(trust, advice) {
  const share = trust?.share ?? null;
  if (share === null) return { word: "not judged yet", tone: "unknown" };
  const stretches = advice.some((row) => DISTRUSTING.has(row.code));
  if (share >= ENOUGH && !stretches) return { word: "OK", tone: "good" };
  return share >= BELIEVED ? { word: "not everywhere", tone: "doubtful" } : { word: "hardly", tone: "bad" };
}

/** Trust in a pose by its confidence. @param {number} confidence */
export function poseTrust(confidence) {
  if (!Number.isFinite(confidence)) return { word: "not judged", tone: "unknown" };
  if (confidence >= ENOUGH) return { word: "believed", tone: "good" };
  return confidence >= BELIEVED ? { word: "likely", tone: "doubtful" } : { word: "doubted", tone: "bad" };
}
