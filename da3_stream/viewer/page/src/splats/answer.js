/**
 * The answer of /splats/ROW: splats as they lie on the disk, in the frame of their camera (da3_stream/splats/packing.py
 * says what the codes mean).
 *
 * @typedef {object} FrameSplats
 * @property {number} count
 * @property {number} of how many the frame has
 * @property {number} degree of the harmonics
 * @property {Float64Array} range lowest and highest of direction, ln depth and ln size; reach of each degree above 0
 * @property {Uint32Array} rotation the largest of w, x, y, z by its number, and the three others [count]
 * @property {Uint16Array} direction x/z and y/z [count,2]
 * @property {Uint16Array} depth ln z [count]
 * @property {Uint8Array} size ln of standard deviations [count,3]
 * @property {Uint8Array} opacity [count]
 * @property {Uint8Array} colour mean red, green, blue [count,3]
 * @property {Int8Array} rest of each colour the harmonics above degree 0 [count,3,bands]
 */

const HEADER = 16;

/** @param {ArrayBuffer} buffer @returns {FrameSplats} */
export function decodeSplats(buffer) {
  const [count, of, degree] = buffer.byteLength >= HEADER ? new Uint32Array(buffer, 0, 3) : [NaN];
  const bands = (degree + 1) ** 2 - 1;
  let offset = HEADER;
  const take = (Type, length) => {
    if (!(offset + length * Type.BYTES_PER_ELEMENT <= buffer.byteLength)) {
      throw new Error(`${buffer.byteLength} bytes of splats are fewer than they say`);
    }
    const column = new Type(buffer, offset, length);
    offset += column.byteLength;
    return column;
  };
  return {
    count, of, degree,
    range: take(Float64Array, count ? 6 + degree : 0),
    rotation: take(Uint32Array, count),
    direction: take(Uint16Array, 2 * count),
    depth: take(Uint16Array, count),
    size: take(Uint8Array, 3 * count),
    opacity: take(Uint8Array, count),
    colour: take(Uint8Array, 3 * count),
    rest: take(Int8Array, 3 * bands * count),
  };
}
