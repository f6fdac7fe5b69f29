/**
 * The binary answers of the server: a header of four uint32, then one column after the other, little-endian.
 */

/**
 * @typedef {object} FrameRows rows `first` ... of the frame table
 * @property {number} first
 * @property {number} count
 * @property {Float64Array} time seconds [count]
 * @property {Uint32Array} sourceIndex [count]
 * @property {Uint32Array} submap [count]
 * @property {Uint32Array} rowInSubmap [count]
 * @property {Uint8Array} status [count]
 */

/**
 * @typedef {object} PoseRows similarities that changed, b = scale * rotation(a) + translation
 * @property {number} revision
 * @property {number} count
 * @property {number} following the row from which the next answer goes on; 0: this was the last one
 * @property {Float64Array} translation [count,3]
 * @property {Uint32Array} row places in the frame table [count]
 * @property {Float32Array} rotation x, y, z, w [count,4]
 * @property {Float32Array} scale [count]
 * @property {Float32Array} confidence 0 ... 1, NaN unknown [count]
 */

/** @typedef {PoseRows & {intrinsics: Float32Array}} CameraRows fx, fy, cx, cy, width, height of the stored depth [count,6] */

const HEADER = 16;

/** Takes one column after the other from an answer. */
class Columns {
  constructor(buffer) {
    this.buffer = buffer;
    this.offset = HEADER;
  }

  take(Type, length) {
    const column = new Type(this.buffer, this.offset, length);
    this.offset += column.byteLength;
    return column;
  }
}

/** The four numbers in front of a table; an error says what came instead. */
function readHeader(buffer, rowBytes, countAt, name) {
  const header = buffer.byteLength >= HEADER ? new Uint32Array(buffer, 0, 4) : [0, 0, 0, 0];
  if (buffer.byteLength < HEADER || buffer.byteLength < HEADER + header[countAt] * rowBytes) {
    throw new Error(`the table of ${name} has ${buffer.byteLength} bytes, fewer than its header says`);
  }
  return header;
}

/** @returns {FrameRows} the answer of /frames */
export function decodeFrames(buffer) {
  const [count, first] = readHeader(buffer, 21, 0, "frames");
  const columns = new Columns(buffer);
  return {
    first,
    count,
    time: columns.take(Float64Array, count),
    sourceIndex: columns.take(Uint32Array, count),
    submap: columns.take(Uint32Array, count),
    rowInSubmap: columns.take(Uint32Array, count),
    status: columns.take(Uint8Array, count),
  };
}

/** @returns {PoseRows} the answer of /poses */
export function decodePoses(buffer) {
  return posesIn(new Columns(buffer), readHeader(buffer, 52, 1, "poses"));
}

/** @returns {CameraRows} the answer of /cameras */
export function decodeCameras(buffer) {
  const header = readHeader(buffer, 76, 1, "cameras");
  const columns = new Columns(buffer);
  return { ...posesIn(columns, header), intrinsics: columns.take(Float32Array, 6 * header[1]) };
}

function posesIn(columns, [revision, count, following]) {
  return {
    revision,
    count,
    following,
    translation: columns.take(Float64Array, 3 * count),
    row: columns.take(Uint32Array, count),
    rotation: columns.take(Float32Array, 4 * count),
    scale: columns.take(Float32Array, count),
    confidence: columns.take(Float32Array, count),
  };
}

/** Bytes of one point in a block. */
export const POINT_BYTES = 12;

/**
 * The columns of a node's block, as they are uploaded: place (x, y, z, row) [points,4], colour (r, g, b, confidence).
 * @param {ArrayBuffer} buffer @param {number} offset bytes @param {number} points
 */
export function decodeBlock(buffer, offset, points) {
  if (buffer.byteLength < offset + POINT_BYTES * points) {
    throw new Error(`a block of ${points} points ends after ${buffer.byteLength - offset} bytes`);
  }
  return {
    place: new Uint16Array(buffer, offset, 4 * points),
    colour: new Uint8Array(buffer, offset + 8 * points, 4 * points),
  };
}
