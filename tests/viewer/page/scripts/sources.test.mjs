import assert from "node:assert/strict";
import { test } from "node:test";
import { RunData } from "../../../../da3_stream/viewer/page/src/scene/run_data.js";
import { EmbeddedSource } from "../../../../da3_stream/viewer/page/src/sources/embedded.js";
import { decodeBlock } from "../../../../da3_stream/viewer/page/src/tables/decoding.js";
import { blockAnswer, camerasAnswer, framesAnswer, pose, posesAnswer } from "./made_run.mjs";

const answer = (path, bytes) => ({ dataset: { path }, textContent: Buffer.from(bytes).toString("base64") });
const json = (path, value) => answer(path, Buffer.from(JSON.stringify(value)));

test("answers in the file are those of a server", async () => {
  const points = [1, 2, 3].map((k) => ({ place: [k, k, k], row: k, colour: [k, k, k, k] }));
  const block = Buffer.concat([Buffer.from(blockAnswer(points.slice(0, 2))), Buffer.from(blockAnswer(points.slice(2)))]);
  const header = { nodes: [{ offset: 48, points: 2 }, { offset: 72, points: 1 }] };
  const source = new EmbeddedSource([json("/state", { revision: 3 }), answer("/points/7", block), json("/frame/4", { row: 4 })]);
  assert.deepEqual(await source.state(null), { revision: 3 });
  assert.deepEqual(await source.frame(4), { row: 4 });
  const { place } = decodeBlock(await source.points(7, header, 1, 1), 0, 1);
  assert.deepEqual([...place], [3, 3, 3, 3]);
  await assert.rejects(source.submap(1), /holds no \/submaps\/1/);
  assert.equal(source.imageUrl(1), null);
});

/** A server that gives one state after the other, then nothing. */
class Told {
  constructor(states) {
    this.states = states;
    this.asked = [];
  }

  async state(since) {
    this.asked.push(["state", since]);
    const state = this.states.shift();
    if (state instanceof Error) throw state;
    return state ?? new Promise(() => {});
  }

  /** At most `most` rows. */
  async frames(from) {
    this.asked.push(["frames", from]);
    return framesAnswer(Math.min(this.count - from, this.most ?? this.count), undefined, from);
  }

  async poses(wanted) {
    this.asked.push(["poses", wanted]);
    return posesAnswer(...this.#rows(wanted));
  }

  async cameras(wanted) {
    this.asked.push(["cameras", wanted]);
    return camerasAnswer(...this.#rows(wanted));
  }

  #rows({ since, from, step = 1 }) {
    const rows = [...Array(this.count).keys()].filter((row) => row >= from && row % step === 0);
    const most = this.most ?? rows.length;
    return [rows.slice(0, most).map((row) => pose(row, since)), this.revision, rows[most] ?? 0];
  }
}

test("a correction asks for poses alone: 52 bytes a frame; a new epoch asks for all anew", async () => {
  const state = (revision, poses, epoch) => ({ revision, frames: 4, poses_revision: poses, epoch });
  const source = new Told([state(1, 1, "a")]);
  Object.assign(source, { count: 4, revision: 1 });
  const said = [];
  const data = new RunData(source, {
    restarted: () => said.push("restarted"), frames: (first) => said.push(["frames", first]), connection: () => {},
    poses: (rows, correction) => said.push(correction), state: ({ revision }) => {
      said.push(revision);
      source.revision = revision + 1;
      if (revision === 1) source.states.push(state(2, 2, "a"));
      if (revision === 2) source.states.push(state(3, 3, "b"));
    },
  });
  data.follow();
  await new Promise((resolve) => setTimeout(resolve, 50));
  data.stop();
  const first = [["frames", 0], { frames: 0, bytes: 0 }, 1];
  assert.deepEqual(said, [...first, { frames: 4, bytes: 4 * 52 + 16 }, 2, "restarted", ["frames", 0], { frames: 0, bytes: 0 }, 3]);
  assert.equal(source.asked.filter(([name]) => name === "cameras").length, 2); // once, and once for the new epoch
});

test("a long run is shown with few of its frames first; the rest comes in pieces, and each camera once", async () => {
  const count = 20000;
  const source = new Told([{ revision: 1, frames: count, poses_revision: 1, epoch: "a" }]);
  Object.assign(source, { count, revision: 1, most: 6000 });
  const said = [];
  let draw;
  const picture = new Promise((resolve) => (draw = resolve));
  const known = () => [...Array(count).keys()].filter((row) => data.table.hasCamera(row)).length;
  const data = new RunData(source, {
    frames: () => {}, connection: () => {}, poses: (rows) => said.push(rows.length), firstPicture: () => picture,
    state: () => said.push(`${known()} shown`),
  });
  data.follow();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(said, [4000, "4000 shown"]); // every fifth
  assert.equal(data.table.revision, 0); // so that the rest is not taken for known
  draw();
  await new Promise((resolve) => setTimeout(resolve, 100));
  data.stop();
  assert.deepEqual(said.slice(2), [6000, 6000, 6000, 2000, "20000 shown"]);
  const of = (name) => source.asked.filter(([asked]) => asked === name).map(([, wanted]) => wanted);
  assert.deepEqual(of("frames"), [0, 6000, 12000, 18000]);
  assert.deepEqual(of("poses").map(({ from }) => from), [0, 0, 6000, 12000, 18000]);
  assert.deepEqual([data.table.revision, data.isWhole], [1, true]);
  assert.equal(data.table.rowOf(199990), 19999);
});

test("poses and cameras of different revisions are asked for again", async () => {
  const source = new Told([{ revision: 1, frames: 4, poses_revision: 1, epoch: "a" }]);
  Object.assign(source, { count: 4, revision: 1 });
  const poses = source.poses.bind(source);
  source.poses = async (wanted) => {
    const answer = await poses(wanted);
    source.revision = 2; // a correction comes before the cameras are asked for
    return answer;
  };
  const said = [];
  const data = new RunData(source, { frames: () => {}, connection: () => {}, poses: (rows) => said.push(rows.length), state: () => {} });
  data.follow();
  await new Promise((resolve) => setTimeout(resolve, 50));
  data.stop();
  assert.deepEqual(said, [4]);
  assert.equal(data.table.revision, 2);
});

test("a server that does not answer is said, and asked again", async () => {
  const down = Object.assign(new Error("no"), { status: 0 });
  const source = Object.assign(new Told([down, { revision: 1, frames: 0, poses_revision: 0, epoch: "a" }]), { count: 0, revision: 0 });
  const said = [];
  const data = new RunData(source, { state: () => said.push("state"), connection: (text) => said.push(text) });
  data.firstWaitMs = 5;
  data.follow();
  await new Promise((resolve) => setTimeout(resolve, 60));
  data.stop();
  assert.match(said[0], /does not answer/);
  assert.deepEqual(said.slice(1), ["state", null]);
});
