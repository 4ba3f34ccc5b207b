// Turns D-dimensional coordinates onto the screen.
//
// A basis is a Float64Array (3, D) with orthonormal rows: screen x (to the right), screen y (up), and depth (towards
// the viewer). D is at least 3; points with fewer coordinates have zeros for the others. Every change of a basis is a
// rotation of all D dimensions, so nothing is ever mirrored. Functions return a new basis and leave theirs alone.

const SCREEN_DIMS = 3;
const TOUR_SPEED = 0.4; // radians a second
const HIDDEN_SHARE = 0.25; // of a drag's angle, about: how far depth turns into dimensions that are not on the screen
const ARRIVED = 1e-6; // radians
const PARALLEL = 1e-9; // sine of an angle below which two directions span no plane
const STEPS = 32_767; // from 0 to 1, as int16
const UNIT_TOLERANCE = 1e-3;

export function identity(D) {
  if (!(D >= SCREEN_DIMS)) throw new RangeError(`D is ${D}; expected 3 or more`);
  const basis = new Float64Array(SCREEN_DIMS * D);
  for (let row = 0; row < SCREEN_DIMS; row++) basis[row * D + row] = 1;
  return basis;
}

/**
 * Turn the picture as a trackball: what is in front follows the pointer. With more than three dimensions depth turns
 * slowly into the hidden ones as well, all of them in time; dragging back brings the same picture back.
 *
 * The hidden turn is a flow along a fixed vector field, a skew map between neighbouring coordinates seen outside the
 * screen: skew, so that depth is never caught in a limit; fixed, so that it runs backwards as well as forwards.
 *
 * @param {number} dx radians to the right: pointer movement over the radius of the picture
 * @param {number} dy radians up
 */
export function drag(basis, dx, dy) {
  const length = Math.hypot(dx, dy);
  if (!(length > 0)) return basis;
  // Half of the hidden turn before and half after: the way back then undoes the way there.
  const halfHidden = (HIDDEN_SHARE * (dx + dy)) / 2;
  const begun = turnHidden(basis, halfHidden);
  const [x, y, depth] = rowsOf(begun);
  const turned = turn(begun, combined(dx / length, x, dy / length, y), depth, length);
  return turnHidden(turned, halfHidden);
}

/**
 * Turn towards the screen plane of `target` at constant angular speed, along the shortest way between the two planes:
 * both principal vectors turn at once, and how far the planes are apart is the root of the sum of the two squared
 * principal angles (the geodesic interpolation of Buja et al. 2005).
 *
 * @param {Float64Array} target a basis; its plane is reached, in whatever rotation within the screen is nearest
 * @param {number} dt seconds
 * @returns {{basis: Float64Array, arrived: boolean}} `arrived`: the plane is reached, it is time for another target
 */
export function autoStep(basis, target, dt) {
  const pairs = principalPairs(rowsOf(basis), rowsOf(target));
  const distance = Math.hypot(...pairs.map(({ angle }) => angle));
  const part = Math.min(1, (TOUR_SPEED * dt) / Math.max(distance, ARRIVED));
  let turned = basis;
  for (const { from, towards, angle } of pairs) if (towards) turned = turn(turned, from, towards, part * angle);
  return { basis: turned, arrived: part * distance >= distance - ARRIVED };
}

/** A basis drawn evenly from all of them; the same seed, a whole number, draws the same. */
export function randomTarget(D, seed) {
  const basis = orthonormalise(identity(D).map((_, i) => gaussian(seed, i)));
  return isMirrored(basis) ? basis.map((value) => -value) : basis;
}

/**
 * Turn so that `direction` becomes screen x, by the smallest rotation that does it.
 *
 * @param {ArrayLike<number>} direction (D,) of any length; one without a direction (zero, NaN) turns nothing
 * @param {number} fraction how much of the turn is done, 0 to 1: for those who animate it
 */
export function face(basis, direction, fraction = 1) {
  return swing(basis, basis, 0, direction, fraction);
}

/**
 * Turn so that `a` becomes screen x, and `b` lies in the upper half of the screen plane; both are (D,), of any length.
 * A `b` that is parallel to `a` turns nothing further.
 */
export function facePlane(basis, a, b, fraction = 1) {
  const facing = face(basis, a);
  const [x] = rowsOf(facing);
  const upper = padded(b, x.length);
  const beside = combined(1, upper, -inner(upper, x), x);
  const parallel = lengthOf(beside) < PARALLEL * lengthOf(b);
  const begun = face(basis, a, fraction);
  return parallel ? begun : swing(begun, facing, 1, beside, fraction);
}

/** Make independent rows orthonormal again, from the first to the last, each kept to its own side. */
export function orthonormalise(basis) {
  const done = [];
  for (const row of rowsOf(basis)) {
    const rest = done.reduce((left, other) => combined(1, left, -inner(left, other), other), row);
    done.push(scaled(rest, 1 / lengthOf(rest)));
  }
  return joined(done);
}

/** Write a basis in letters, digits, "-" and "_": 8 characters a dimension. */
export function encode(basis) {
  const stored = Int16Array.from(basis, (value) => Math.round(value * STEPS));
  const bytes = new Uint8Array(stored.buffer);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

/** Read what `encode` wrote of a basis of D dimensions, exact to 1e-3 radians; null for any other text. */
export function decode(text, D) {
  if (!/^[\w-]+$/.test(text) || text.length !== 8 * D) return null;
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (byte) => byte.charCodeAt(0));
  const read = Float64Array.from(new Int16Array(bytes.buffer), (value) => value / STEPS);
  const rows = rowsOf(read);
  const isUnit = (a, i) => rows.every((b, j) => Math.abs(inner(a, b) - (i === j)) < UNIT_TOLERANCE);
  return rows.every(isUnit) && !isMirrored(read) ? orthonormalise(read) : null;
}

// The one change that everything is made of: rotate all D dimensions in the plane of two orthonormal directions, `from`
// turning to `towards`.
function turn(basis, from, towards, angle) {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const turned = rowsOf(basis).map((row) => {
    const [u, v] = [inner(row, from), inner(row, towards)];
    const change = combined((cosine - 1) * u - sine * v, from, (cosine - 1) * v + sine * u, towards);
    return combined(1, row, 1, change);
  });
  return orthonormalise(joined(turned)); // so that rounding does not add up
}

function turnHidden(basis, angle) {
  const rows = rowsOf(basis);
  const depth = rows[2];
  const neighbours = depth.map((_, i) => (depth[i - 1] ?? 0) - (depth[i + 1] ?? 0));
  const hidden = rows.reduce((left, row) => combined(1, left, -inner(left, row), row), neighbours);
  const speed = lengthOf(hidden);
  return speed < PARALLEL ? basis : turn(basis, depth, scaled(hidden, 1 / speed), speed * angle);
}

// Rotate `basis` as the row of `reference` has to turn to become `direction`.
function swing(basis, reference, row, direction, fraction) {
  const rows = rowsOf(reference);
  const from = rows[row];
  const length = lengthOf(direction);
  if (!(length > 0 && Number.isFinite(length))) return basis;
  const { towards, angle } = wayTo(scaled(padded(direction, from.length), 1 / length), from);
  // Half a turn has no plane of its own: it goes through depth.
  return turn(basis, from, towards ?? rows[2], fraction * angle);
}

// Where `from` turns to and how far, to be at `goal`; both have length 1. `towards` is null where they are parallel.
function wayTo(goal, from) {
  const cosine = inner(goal, from);
  const beside = combined(1, goal, -cosine, from);
  const sine = lengthOf(beside);
  return { from, towards: sine < PARALLEL ? null : scaled(beside, 1 / sine), angle: Math.atan2(sine, cosine) };
}

// Singular vectors of the 2 × 2 matrix of inner products, as two ways.
function principalPairs([ax, ay], [bx, by]) {
  const [xx, xy, yx, yy] = [inner(ax, bx), inner(ax, by), inner(ay, bx), inner(ay, by)];
  const sum = Math.atan2(yx - xy, xx + yy);
  const difference = Math.atan2(yx + xy, xx - yy);
  const [p, q] = [(sum + difference) / 2, (difference - sum) / 2];
  return [
    [combined(Math.cos(p), ax, Math.sin(p), ay), combined(Math.cos(q), bx, Math.sin(q), by)],
    [combined(-Math.sin(p), ax, Math.cos(p), ay), combined(-Math.sin(q), bx, Math.cos(q), by)],
  ].map(([from, goal]) => wayTo(inner(from, goal) < 0 ? scaled(goal, -1) : goal, from));
}

// Only in three dimensions is there a mirrored basis: with more, the hidden dimensions can take the flip.
function isMirrored(basis) {
  if (basis.length !== SCREEN_DIMS ** 2) return false;
  const [a, b, c, d, e, f, g, h, i] = basis;
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) < 0;
}

// A normal number by Box and Muller's method. Its two uniform numbers are hashes of seed and place (the finaliser of
// MurmurHash3), so that no state is kept and neighbouring seeds have nothing in common.
function gaussian(seed, place) {
  const radius = Math.sqrt(-2 * Math.log(uniform(seed, 2 * place)));
  return radius * Math.cos(2 * Math.PI * uniform(seed, 2 * place + 1));
}

function uniform(seed, place) {
  let bits = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(place + 1, 0x85ebca77);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (((bits ^ (bits >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}

function rowsOf(basis) {
  const D = basis.length / SCREEN_DIMS;
  return [basis.subarray(0, D), basis.subarray(D, 2 * D), basis.subarray(2 * D)];
}

function joined(rows) {
  const basis = new Float64Array(SCREEN_DIMS * rows[0].length);
  rows.forEach((row, i) => basis.set(row, i * row.length));
  return basis;
}

function padded(values, D) {
  return Float64Array.from({ length: D }, (_, i) => values[i] ?? 0);
}

function combined(p, a, q, b) {
  return a.map((value, i) => p * value + q * b[i]);
}

function scaled(values, factor) {
  return values.map((value) => factor * value);
}

function lengthOf(values) {
  return Math.sqrt(inner(values, values));
}

function inner(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
