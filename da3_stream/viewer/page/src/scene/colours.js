/** Colours: ramps that rise evenly to the eye (made in OKLab), and hues that keep apart what is next to each other. */
import { DataTexture, LinearFilter, RGBAFormat } from "three";

/** Points of a ramp: lightness, chroma, hue in degrees, which goes on above 360 (OKLCH; Björn Ottosson 2020). */
const RAMPS = {
  height: [[0.25, 0.13, 290], [0.45, 0.12, 250], [0.62, 0.11, 195], [0.78, 0.16, 135], [0.93, 0.17, 105]],
  confidence: [[0.25, 0.06, 270], [0.45, 0.1, 320], [0.62, 0.17, 380], [0.8, 0.15, 430], [0.95, 0.12, 465]],
  time: [[0.3, 0.16, 275], [0.48, 0.21, 320], [0.64, 0.2, 375], [0.8, 0.16, 425], [0.94, 0.15, 465]],
  trust: [[0.45, 0.18, 25], [0.62, 0.17, 45], [0.8, 0.1, 85], [0.72, 0.1, 190], [0.6, 0.14, 245]],
};

const ENTRIES = 256;

/** sRGB bytes of a colour in OKLCH. @returns {[number, number, number]} */
export function fromOklch(lightness, chroma, hueDeg) {
  const a = chroma * Math.cos((hueDeg * Math.PI) / 180);
  const b = chroma * Math.sin((hueDeg * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((value) => {
    const bounded = Math.min(1, Math.max(0, value));
    const encoded = bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055;
    return Math.round(255 * encoded);
  });
}

/** sRGB bytes of a ramp at a share 0 ... 1. */
export function rampColour(name, share) {
  const stops = RAMPS[name];
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const first = Math.min(stops.length - 2, Math.floor(place));
  const mixed = stops[first].map((value, k) => value + (stops[first + 1][k] - value) * (place - first));
  return fromOklch(...mixed);
}

/** Hues of segments: none is the green or red of loops. */
const SEGMENT_HUES = [250, 85, 320, 200, 60, 285];

/** The colour of a segment's path. */
export function segmentColour(index) {
  return fromOklch(0.76, 0.13, SEGMENT_HUES[index % SEGMENT_HUES.length]);
}

/** The colour of a submap: neighbours are 137 degrees of hue apart. */
export function categoryColour(index) {
  return fromOklch(index % 2 ? 0.62 : 0.76, 0.14, (index * 137.508 + 250) % 360);
}

/** @returns {DataTexture} sRGB bytes as they are: shaders write them unchanged [256,1] */
export function rampTexture(name) {
  const bytes = new Uint8Array(4 * ENTRIES);
  for (let k = 0; k < ENTRIES; k++) bytes.set([...rampColour(name, k / (ENTRIES - 1)), 255], 4 * k);
  const texture = new DataTexture(bytes, ENTRIES, 1, RGBAFormat);
  texture.minFilter = LinearFilter;
  texture.magFilter = LinearFilter;
  texture.needsUpdate = true;
  return texture;
}

export const RAMP_NAMES = Object.keys(RAMPS);
