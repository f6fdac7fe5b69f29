/** Frames along time: which row is shown when, and what a strip of trust holds. */

/**
 * The last row whose time is not after `time`; the first row where all are. Times ascend.
 * @param {ArrayLike<number>} times @param {number} time
 */
export function rowAt(times, time) {
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (times[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The row whose time is nearest. @param {ArrayLike<number>} times @param {number} time */
export function nearestRow(times, time) {
  const row = rowAt(times, time);
  return row + 1 < times.length && times[row + 1] - time < time - times[row] ? row + 1 : row;
}

/**
 * The least confidence of the frames that fall in each of `cells` equal parts of the time from..to: one doubted frame
 * is not hidden by its neighbours, Infinity: not known yet. NaN where no frame is.
 * @param {ArrayLike<number>} times @param {ArrayLike<number>} confidences
 * @param {[number, number]} window @param {number} cells
 */
export function trustStrip(times, confidences, [from, to], cells) {
  const strip = new Float32Array(cells).fill(NaN);
  const perSecond = cells / Math.max(to - from, 1e-9);
  for (let row = 0; row < times.length; row += 1) {
    if (times[row] < from || times[row] > to || confidences[row] === Infinity) continue;
    const cell = Math.min(cells - 1, Math.floor((times[row] - from) * perSecond));
    const value = Number.isFinite(confidences[row]) ? confidences[row] : 0;
    if (!(strip[cell] <= value)) strip[cell] = value;
  }
  return fillGaps(strip);
}

/** Cells between two frames have the lesser of both: a gap in drawing is no gap in the drive. */
function fillGaps(strip) {
  let before = -1;
  for (let cell = 0; cell < strip.length; cell += 1) {
    if (Number.isNaN(strip[cell])) continue;
    if (before >= 0) strip.fill(Math.min(strip[before], strip[cell]), before + 1, cell);
    before = cell;
  }
  return strip;
}

/**
 * Where play stands `elapsed` seconds later, and whether it ended.
 * @param {number} time @param {number} elapsed @param {number} speed @param {number} end
 */
export function playedTo(time, elapsed, speed, end) {
  const next = time + elapsed * speed;
  return next >= end ? { time: end, ended: true } : { time: next, ended: false };
}

/**
 * The part of time that is shown: from `seconds` before now until now; null for all, when now is the end.
 * @param {number} now @param {number} seconds @param {[number, number]} span first and last time
 * @returns {[number, number]|null}
 */
export function shownWindow(now, seconds, [first, last]) {
  const from = Math.max(first, now - seconds);
  return from <= first && now >= last ? null : [from, now];
}
