/** Measurements as a table. */

/** A field as RFC 4180 has it; a text that a spreadsheet would take for a formula is kept a text. */
function field(value) {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = String(value ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * A table with a line of names. @param {string[]} names @param {(string|number|null)[][]} rows
 */
export const csvText = (names, rows) => `${[names, ...rows].map((row) => row.map(field).join(",")).join("\r\n")}\r\n`;
