import assert from "node:assert/strict";
import { test } from "node:test";

import {
  clock,
  counted,
  lengthText,
  number,
  percent,
  sizeText,
  span,
  withSigma,
} from "../../../../da3_stream/viewer/page/src/ui/words/format.js";
import { nearestRow, playedTo, rowAt, trustStrip } from "../../../../da3_stream/viewer/page/src/ui/words/time_line.js";
import { poseTrust, runTrust } from "../../../../da3_stream/viewer/page/src/ui/words/trust_words.js";

test("times are as in the run's own words", () => {
  assert.deepEqual(
    [0, 59.6, 61, 3661].map((s) => clock(s)),
    ["0:00", "1:00", "1:01", "1:01:01"],
  );
  assert.equal(clock(61.27, 1), "1:01.2");
  assert.equal(span(31, 36), "0:31–0:36");
  assert.equal(span(31, 31.2), "0:31");
  assert.equal(clock(NaN), "–");
});

test("numbers have three digits that count", () => {
  assert.deepEqual(
    [0, 0.01234, 1.2345, 123.45, 12345].map((v) => number(v)),
    ["0", "0.0123", "1.23", "123", "12,345"],
  );
  assert.equal(lengthText(1234, "metres"), "1.23 km");
  assert.equal(lengthText(1.5, "relative"), "1.50 units");
  assert.equal(withSigma(3.21432, 0.0281, "m"), "3.214 ± 0.028 m");
  assert.equal(withSigma(1200, 44, "m"), "1200 ± 44 m");
  assert.deepEqual([999, 1500, 2.5e6].map(sizeText), ["999 bytes", "1.50 KB", "2.50 MB"]);
  assert.equal(percent(0.9999), "99 %");
  assert.equal(counted(1, "frame"), "1 frame");
});

test("the row at a time is the last that was not after it", () => {
  const times = [0, 1, 2, 4];
  assert.deepEqual(
    [-1, 0, 1.9, 3.9, 9].map((t) => rowAt(times, t)),
    [0, 0, 1, 2, 3],
  );
  assert.deepEqual(
    [1.4, 1.6, 3.5].map((t) => nearestRow(times, t)),
    [1, 2, 3],
  );
});

test("one doubted frame is seen in a strip of many", () => {
  const times = Array.from({ length: 100 }, (_, i) => i / 10);
  const trust = times.map((_, i) => (i === 55 ? 0.25 : 1));
  const strip = [...trustStrip(times, trust, [0, 10], 10)];
  assert.deepEqual(strip, [1, 1, 1, 1, 1, 0.25, 1, 1, 1, 1]);
});

test("cells between two frames have the lesser trust, before the first none", () => {
  const strip = trustStrip([2, 8], [1, 0.5], [0, 10], 10);
  assert.deepEqual([...strip], [NaN, NaN, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, NaN]);
});

test("frames that have not come yet are not doubted", () => {
  const strip = trustStrip([0, 1, 2, 3], [0.5, Infinity, 1, NaN], [0, 4], 4);
  assert.deepEqual([...strip], [0.5, 0.5, 1, 0]);
});

test("play ends at the end", () => {
  assert.deepEqual(playedTo(1, 0.5, 4, 10), { time: 3, ended: false });
  assert.deepEqual(playedTo(9, 0.5, 4, 10), { time: 10, ended: true });
});

test("trust in a run has the report's words", () => {
  const run = (share, distrusted = false, placed = 5) =>
    runTrust({ state: "finished", frames_placed: placed, trust: { share }, advice: [{ distrusted }] }).word;
  assert.deepEqual([run(0.95), run(0.95, true), run(0.3), run(null)], ["good", "in parts", "low", "not measured"]);
  assert.equal(run(null, false, 0), "nothing placed");
  assert.equal(runTrust({ state: "running", frames_placed: 0, trust: null, advice: [] }).word, "not known yet");
  assert.equal(poseTrust(0.49).word, "doubted");
});
