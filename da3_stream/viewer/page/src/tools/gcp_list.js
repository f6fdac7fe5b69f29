/**
 * Marks in pictures as OpenDroneMap's gcp_list.txt (https://docs.opendronemap.org/gcp/): a line with the coordinate
 * system, then `geo_x geo_y geo_z im_x im_y image_name gcp_name` for each picture of each point, parted by spaces.
 */

/**
 * @typedef {{row: number, image: string, x: number, y: number, sheet: {x: number, y: number}}} PictureMark x, y in
 *     pixels of the input's picture, the centre of the first pixel at 0; `sheet` the same as shares of the picture
 * @typedef {{label: string, coordinates: (number|null)[], pictures: PictureMark[]}} MarkedPoint coordinates are
 *     easting, northing, height in the system of the file (or longitude, latitude, height); height may be null
 */

const UTM = /^WGS84 UTM ([1-9]|[1-5]\d|60)[NS]$/;
const EPSG = /^EPSG:\d{4,6}$/;
const PROJ = /^\+proj=\S+( \+\S+)*$/;
export const ENOUGH_POINTS = 5;
export const ENOUGH_PICTURES = 3;

/** What OpenDroneMap reads as a coordinate system. @param {string} text */
export const isCoordinateSystem = (text) => UTM.test(text) || EPSG.test(text) || PROJ.test(text);

/**
 * Why the points make no file, in one sentence; null if they do.
 * @param {string} system @param {MarkedPoint[]} points
 */
export function whyNoFile(system, points) {
  if (!points.some((point) => point.pictures.length)) return "No picture is marked yet.";
  if (!isCoordinateSystem(system)) return "Give the coordinate system: EPSG:32632, WGS84 UTM 32N or a +proj text.";
  for (const point of points) {
    const [x, y] = point.coordinates;
    if (point.pictures.length && !(Number.isFinite(x) && Number.isFinite(y)))
      return `${point.label} has no coordinates.`;
    const spaced = point.pictures.find((mark) => /\s/.test(mark.image));
    if (spaced) return `OpenDroneMap reads no file names with spaces: rename ${spaced.image}.`;
  }
  return null;
}

/** What the file is thin on, in one sentence; null if it has what OpenDroneMap asks for. @param {MarkedPoint[]} points */
export function whatIsThin(points) {
  const full = points.filter((point) => point.pictures.length >= ENOUGH_PICTURES).length;
  if (full >= ENOUGH_POINTS) return null;
  return `OpenDroneMap asks for ${ENOUGH_POINTS} points with ${ENOUGH_PICTURES} pictures each: ${full} so far.`;
}

/**
 * The text of the file. Throws an Error where `whyNoFile` says why not.
 * @param {string} system @param {MarkedPoint[]} points
 */
export function gcpListText(system, points) {
  const reason = whyNoFile(system, points);
  if (reason !== null) throw new Error(reason);
  const digits = isGeographic(system) ? 9 : 3;
  const lines = points.flatMap((point) => point.pictures.map((mark) => line(point, mark, digits)));
  return `${[system, ...lines].join("\n")}\n`;
}

/** Whether coordinates are degrees, which need more digits. @param {string} system */
export const isGeographic = (system) => system === "EPSG:4326" || /\+proj=(longlat|latlong)\b/.test(system);

function line(point, mark, digits) {
  const [x, y, z] = point.coordinates;
  const height = Number.isFinite(z) ? z.toFixed(3) : "NaN";
  const place = `${x.toFixed(digits)} ${y.toFixed(digits)} ${height}`;
  return `${place} ${mark.x.toFixed(2)} ${mark.y.toFixed(2)} ${mark.image} ${point.label.trim().replace(/\s+/g, "_")}`;
}
