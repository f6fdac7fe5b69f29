/**
 * Where the page has a run from: a server that is asked, or answers that lie in the file itself (`--format page`).
 *
 * @typedef {{since: number, from: number, step?: number}} WantedRows those that moved after a revision, from a row on, of
 *   which `step` divides the number; an answer has a bounded number of rows, and tells where the next one goes on
 *
 * @typedef {object} Source
 * @property {boolean} isEmbedded
 * @property {{requests: number, bytes: number}} traffic what was asked for so far
 * @property {(since: number|null, signal: AbortSignal, epoch: string) => Promise<object|null>} state
 *   answer of /state; null where nothing is new since that revision of that epoch
 * @property {(from: number) => Promise<ArrayBuffer>} frames a bounded number of rows
 * @property {(wanted: WantedRows) => Promise<ArrayBuffer>} poses
 * @property {(wanted: WantedRows) => Promise<ArrayBuffer>} cameras
 * @property {(id: number) => Promise<object>} submap header of its levels
 * @property {(id: number, header: object, first: number, last: number) => Promise<ArrayBuffer>} points
 *   blocks of nodes first ... last, one after the other
 * @property {(row: number) => Promise<object>} frame details in words
 * @property {(row: number) => Promise<{width: number, height: number, values: Float32Array}|null>} depth
 * @property {(row: number, most: number, revision: number) => Promise<ArrayBuffer>} splats of a frame; of a server only
 * @property {(row: number, size?: number) => string|null} imageUrl
 * @property {(row: number) => string|null} depthUrl
 * @property {(row: number) => string|null} confidenceUrl
 * @property {() => string|null} maskUrl
 * @property {(loop: number, side: "a"|"b") => string|null} loopUrl
 * @property {() => string|null} reportUrl
 * @property {(name: string) => string|null} exportUrl
 */
import { EmbeddedSource } from "./sources/embedded.js";
import { LiveSource } from "./sources/live.js";

/** @returns {Source} the answers that lie in this document, or else the server it came from */
export function openSource() {
  const answers = document.querySelectorAll("script.answer");
  return answers.length ? new EmbeddedSource(answers) : new LiveSource(document.baseURI);
}
