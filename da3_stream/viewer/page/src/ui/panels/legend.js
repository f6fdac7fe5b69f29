/** What the colours of points mean: ranges, units and words of each colour mode. */
import { clock, lengthText, number } from "../words/format.js";

export const MODES = [
  ["rgb", "picture"],
  ["height", "height"],
  ["confidence", "depth confidence"],
  ["time", "time"],
  ["submap", "submap"],
  ["trust", "trust in the pose"],
];

/**
 * The words of a colour mode's legend.
 * @param {string} mode @param {{range: [number, number]|null, units: string}} shown the range that the colours span
 * @returns {{low: string, high: string, text: string}|null} null where colours have no scale
 */
export function legendWords(mode, { range, units }) {
  const [low, high] = range ?? [NaN, NaN];
  const known = Number.isFinite(low) && Number.isFinite(high);
  switch (mode) {
    case "height":
      return {
        low: known ? lengthText(low, units) : "low",
        high: known ? lengthText(high, units) : "high",
        text: "Height along up, over the first camera.",
      };
    case "confidence":
      return {
        low: known ? number(low, 2) : "least",
        high: known ? number(high, 2) : "most",
        text: "Confidence of a point's depth, as the run stores it; logarithmic.",
      };
    case "time":
      return {
        low: known ? clock(low) : "start",
        high: known ? clock(high) : "end",
        text: "When the frame was taken that a point comes from.",
      };
    case "trust":
      return {
        low: "0",
        high: "1",
        text: "The probability that the pose of a point's frame is right; below 0.5 it is doubted.",
      };
    case "submap":
      return { low: "", high: "", text: "Each submap (what one window left in the map) has a colour of its own." };
    default:
      return null;
  }
}
