/** Numbers, times and sizes as people read them. */

/** m:ss, or h:mm:ss from an hour on; with tenths where asked. @param {number} seconds @param {number} [tenths] */
export function clock(seconds, tenths = 0) {
  if (!Number.isFinite(seconds)) return "–";
  const whole = tenths ? Math.floor(seconds * 10 + 1e-6) / 10 : Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = (whole % 60).toFixed(tenths).padStart(tenths ? 4 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** From when until when. @param {number} from @param {number} to */
export function span(from, to) {
  const [first, last] = [clock(from), clock(to)];
  return first === last ? first : `${first}–${last}`;
}

/** A number with three digits that count, and no exponent. @param {number} value */
export function number(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const places = size === 0 ? 0 : Math.max(0, Math.min(6, digits - 1 - Math.floor(Math.log10(size))));
  return value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
}

/** "m" or "units". @param {string} units "metres" or "relative" */
export const unitOf = (units) => (units === "metres" ? "m" : "units");

/** A length with its unit. @param {number} value @param {string} units */
export function lengthText(value, units) {
  if (units === "metres" && Math.abs(value) >= 1000) return `${number(value / 1000)} km`;
  return `${number(value)} ${unitOf(units)}`;
}

/**
 * A value with its sigma, two digits of the sigma counting: 3.214 ± 0.028 m.
 * @param {number} value @param {number} sigma @param {string} unit
 */
export function withSigma(value, sigma, unit) {
  if (!(sigma > 0)) return `${number(value)} ${unit}`;
  const places = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(sigma))));
  return `${value.toFixed(places)} ± ${sigma.toFixed(places)} ${unit}`;
}

/** A share in per cent, rounded down: all is only all. @param {number} share */
export const percent = (share) => (Number.isFinite(share) ? `${Math.floor(100 * share + 1e-9)} %` : "–");

/** A number of bytes. @param {number} bytes */
export function sizeText(bytes) {
  const names = ["bytes", "KB", "MB", "GB", "TB"];
  const step = Math.min(names.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return step ? `${number(bytes / 1000 ** step)} ${names[step]}` : `${bytes} bytes`;
}

/** A count with commas. @param {number} value */
export const count = (value) => (Number.isFinite(value) ? Math.round(value).toLocaleString("en") : "–");

/** A count and its noun: 1 frame, 2 frames. @param {number} value @param {string} noun */
export const counted = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
