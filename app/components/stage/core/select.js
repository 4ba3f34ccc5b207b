// Which samples are meant: picking, lassoing, and selections (rising Uint32Arrays of sample numbers) as sets and text.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BITS = 6; // samples a digit
const LONGEST_TEXT = 4000; // a text from outside is not worked on beyond these two
const MOST_SAMPLES = 1 << 17;
const SHORTENED = /(.)\1{4,}/g; // from five on, a run is longer than its short form
const RUNS = /([\w-])(?:\.([\da-z]{1,4})\.)?/g;

/**
 * Points, (n, 2), inside a closed polygon, (m, 2), by the even–odd rule; those that are not finite are outside.
 *
 * @returns {Uint32Array} rising indices of points
 */
export function inLasso(points, polygon) {
  const all = Uint32Array.from({ length: points.length / 2 }, (_, i) => i);
  return all.filter((i) => isInside(points[2 * i], points[2 * i + 1], polygon));
}

/** The point, of (n, 2), nearest to (x, y) and within `radius`, the first of several; −1 where there is none. */
export function nearest(points, x, y, radius) {
  let [found, least] = [-1, radius * radius];
  for (let i = 0; i < points.length; i += 2) {
    const distance = (points[i] - x) ** 2 + (points[i + 1] - y) ** 2;
    if (distance < least || (found < 0 && distance === least)) [found, least] = [i / 2, distance];
  }
  return found;
}

export function union(a, b) {
  return Uint32Array.from(new Set([...a, ...b])).sort();
}

export function difference(a, b) {
  const without = new Set(b);
  return a.filter((sample) => !without.has(sample));
}

/** Write a selection in letters, digits and "-_.": six samples a digit, long runs of one digit shortened. */
export function toText(selection) {
  const bits = new Uint8Array(selection.length ? Math.floor(selection.at(-1) / BITS) + 1 : 0);
  for (const sample of selection) bits[Math.floor(sample / BITS)] |= 1 << (sample % BITS);
  const digits = Array.from(bits, (value) => DIGITS[value]).join("");
  return digits.replace(SHORTENED, (run, digit) => `${digit}.${run.length.toString(36)}.`);
}

export function fromText(text) {
  if (text.length > LONGEST_TEXT) return null;
  const runs = Array.from(text.matchAll(RUNS));
  if (runs.map(([run]) => run).join("") !== text) return null;
  const lengths = runs.map(([, , length]) => (length ? parseInt(length, 36) : 1));
  if (lengths.reduce((sum, length) => sum + length * BITS, 0) > MOST_SAMPLES) return null;
  const digits = runs.map(([, digit], i) => digit.repeat(lengths[i])).join("");
  const samples = [];
  for (let sample = 0; sample < digits.length * BITS; sample++) {
    if (DIGITS.indexOf(digits[Math.floor(sample / BITS)]) & (1 << (sample % BITS))) samples.push(sample);
  }
  return Uint32Array.from(samples);
}

/** Write objects as comma-separated values (RFC 4180), the first one's keys on top; null and NaN are left empty. */
export function toCsv(rows) {
  if (!rows.length) return "";
  const names = Object.keys(rows[0]);
  const lines = [names, ...rows.map((row) => names.map((name) => row[name]))];
  const cell = (value) => {
    const text = Number.isNaN(value) ? "" : String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return lines.map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");
}

function isInside(x, y, polygon) {
  let inside = false;
  for (let i = 0, j = polygon.length - 2; i < polygon.length; j = i, i += 2) {
    const [ay, by] = [polygon[i + 1], polygon[j + 1]];
    if (ay > y === by > y) continue;
    const crossing = polygon[i] + ((y - ay) / (by - ay)) * (polygon[j] - polygon[i]);
    if (x < crossing) inside = !inside;
  }
  return inside;
}
