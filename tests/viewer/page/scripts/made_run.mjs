/** A made-up run for tests: two frames in each of two submaps, far from the origin. */
import { FrameTable } from "../../../../da3_stream/viewer/page/src/tables/frame_table.js";
import { SubmapNodes } from "../../../../da3_stream/viewer/page/src/scene/submap_nodes.js";

export const EAST = 500000.123456;
export const NORTH = 5600000.654321;

/** Binary answers as the server sends them. */
export function framesAnswer(count, submapOf = (row) => row >> 1, first = 0) {
  const bytes = new ArrayBuffer(16 + 21 * count + ((4 - ((21 * count) % 4)) % 4));
  new Uint32Array(bytes, 0, 4).set([count, first, 0, 0]);
  const rows = [...Array(count).keys()].map((k) => first + k);
  new Float64Array(bytes, 16, count).set(rows.map((row) => 100 + row / 10));
  new Uint32Array(bytes, 16 + 8 * count, count).set(rows.map((row) => 10 * row));
  new Uint32Array(bytes, 16 + 12 * count, count).set(rows.map(submapOf));
  new Uint32Array(bytes, 16 + 16 * count, count).set(rows.map((row) => row % 2));
  return bytes;
}

export function posesAnswer(poses, revision = 1, following = 0) {
  const n = poses.length;
  const bytes = new ArrayBuffer(16 + 52 * n);
  new Uint32Array(bytes, 0, 4).set([revision, n, following, 0]);
  new Float64Array(bytes, 16, 3 * n).set(poses.flatMap((pose) => pose.translation));
  new Uint32Array(bytes, 16 + 24 * n, n).set(poses.map((pose) => pose.row));
  new Float32Array(bytes, 16 + 28 * n, 4 * n).set(poses.flatMap((pose) => pose.rotation));
  new Float32Array(bytes, 16 + 44 * n, n).set(poses.map((pose) => pose.scale));
  new Float32Array(bytes, 16 + 48 * n, n).set(poses.map(() => 0.75));
  return bytes;
}

export function camerasAnswer(poses, revision = 1, following = 0) {
  const table = new Uint8Array(posesAnswer(poses, revision, following));
  const bytes = new Uint8Array(table.length + 24 * poses.length);
  bytes.set(table);
  bytes.set(new Uint8Array(new Float32Array(poses.flatMap(() => [300, 310, 320, 240, 640, 480])).buffer), table.length);
  return bytes.buffer;
}

/** A quarter turn about z, twice as large, far away. */
export const pose = (row, shift = 0) => ({
  row,
  translation: [EAST + shift, NORTH, 100],
  rotation: [0, 0, Math.SQRT1_2, Math.SQRT1_2],
  scale: 2,
});

export function blockAnswer(points) {
  const bytes = new ArrayBuffer(12 * points.length);
  new Uint16Array(bytes, 0, 4 * points.length).set(points.flatMap(({ place, row }) => [...place, row]));
  new Uint8Array(bytes, 8 * points.length).set(points.flatMap(({ colour }) => colour));
  return bytes;
}

export class NoTransforms {
  allocate() {
    return 0;
  }
}

export const header = (nodes, frames = [0, 10]) => ({ frames, nodes });

export const node = (key, centre, size, points = 100, spacing = size / 10) => ({
  key, level: key.length - 1, centre, size, spacing, points, offset: 0,
});

/** A submap opened and placed. */
export function placedSubmap(table, nodes) {
  const submap = new SubmapNodes({ id: 0, revision: 1 });
  submap.open(header(nodes), table, new NoTransforms());
  submap.place(table);
  return submap;
}

export { FrameTable };
