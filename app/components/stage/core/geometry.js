// Angles between class means and what is said of them: what bcl_core.geometry computes, by the same rules.

const DIRECTION_FLOOR = 1e-10; // a row this much shorter than the longest has no direction
const HEAD_TAIL_SHARE = 0.3;
const LEAST_SPREAD = 1e-12;
const VIEWS = 2; // of an image in a contrastive batch

/** Angle between each two rows of `means`, (K, d), uncentred: (K, K) degrees; NaN where a row is zero or not finite. */
export function pairAngles(means, K, d) {
  const units = unitRows(means, K, d);
  const angles = new Float32Array(K * K);
  for (let row = 0; row < K; row++) {
    angles[row * K + row] = Number.isNaN(units[row * d]) ? NaN : 0;
    for (let column = 0; column < row; column++) {
      const cosine = dot(units, row, units, column, d);
      angles[row * K + column] = angles[column * K + row] = angleOf(cosine);
    }
  }
  return angles;
}

/** Angle of row `i` of a matrix (n, d) to row `j` of another one, in degrees. */
export function angleTo(matrix, d, i, other, j = 0) {
  const lengths = Math.sqrt(dot(matrix, i, matrix, i, d) * dot(other, j, other, j, d));
  return angleOf(dot(matrix, i, other, j, d) / lengths);
}

/** Angle between any two of K directions that stand equally far apart, in degrees; K is 2 or more. */
export function simplexAngle(K) {
  return angleOf(-1 / (K - 1));
}

/** Angles, (K, K) degrees, less a target: one for all pairs, or (K, K). @returns {Float32Array} (K, K) */
export function deviation(angles, target) {
  if (typeof target === "number") return angles.map((angle) => angle - target);
  return angles.map((angle, i) => angle - target[i]);
}

/**
 * Head and tail, the max(1, round(0.3 K)) classes with the largest and the smallest counts, and the medium between.
 *
 * @returns {{head: number[], medium: number[], tail: number[]}} class indices, most frequent first
 */
export function groupsOf(counts) {
  const order = Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a]);
  const size = Math.max(1, roundToEven(HEAD_TAIL_SHARE * order.length));
  return { head: order.slice(0, size), medium: order.slice(size, -size), tail: order.slice(-size) };
}

/** The group of each class, (K,): "head", "medium" or "tail". @param groups as `groupsOf` has them */
export function kindsOf(groups) {
  const kinds = [];
  for (const [kind, group] of Object.entries(groups)) for (const k of group) kinds[k] = kind;
  return kinds;
}

/** Classes from the most to the least frequent. @param groups as `groupsOf` has them */
export function orderOf({ head, medium, tail }) {
  return [...head, ...medium, ...tail];
}

/** The classes spoken of as the rarest: the tail; the two rarest where it is one class. @param groups as above */
export function rarestOf(groups) {
  return groups.tail.length > 1 ? groups.tail : orderOf(groups).slice(-2);
}

/** Mean angle over the pairs of some classes, in degrees; null where none has an angle. @param angles (K, K) degrees */
export function meanWithin(classes, angles, K) {
  return meanOrNull(pairsWithin(classes, angles, K));
}

/** Root mean square of the `deviation` over pairs of classes, in degrees; null where no pair has an angle. */
export function rmsDeviation(angles, K, target) {
  const squares = deviation(angles, target).filter((_, i) => i % K > Math.floor(i / K)).map((value) => value * value);
  const mean = meanOrNull(squares);
  return mean === null ? null : Math.sqrt(mean);
}

/** Slope of the least-squares line through the points that are finite; null where x does not vary. */
export function slope(x, y) {
  const points = Array.from(x, (value, i) => [value, y[i]]).filter((point) => point.every(Number.isFinite));
  const [dx, dy] = [0, 1].map((axis) => centred(points.map((point) => point[axis])));
  const spread = sum(dx.map((value) => value ** 2));
  return spread > LEAST_SPREAD ? sum(dx.map((value, i) => value * dy[i])) / spread : null;
}

/**
 * By how much the push on a class grows with the other class's count: the slope in log–log axes, one for all rows, with
 * an intercept for each, so that rows of different strength do not tilt it; null where no row holds two counts.
 *
 * @param {Float32Array} push (K, K), row = the class that is pushed; the diagonal, NaN and zeros are left out
 */
export function countSlope(push, counts) {
  const [x, y] = [[], []];
  for (let row = 0; row < counts.length; row++) {
    const pushOf = (column) => push[row * counts.length + column];
    const counted = (column) => column !== row && Number.isFinite(pushOf(column)) && pushOf(column) > 0;
    const used = Array.from(counts.keys()).filter(counted);
    x.push(...centred(used.map((column) => Math.log(counts[column]))));
    y.push(...centred(used.map((column) => Math.log(pushOf(column)))));
  }
  return slope(x, y);
}

/**
 * Push between classes that their counts alone would make: all similarities equal, one batch of everything.
 *
 * @returns {{mass: Float32Array, push: Float32Array}} (K, K) each: the share of an anchor's repulsion by class, and the
 *   pair push, NaN on the diagonal and adding up to 1 over pairs
 */
export function countEffect(counts, { averaging, complement, anchors }) {
  const K = counts.length;
  const members = Array.from(counts, (count) => (averaging ? 1 : VIEWS * count + complement));
  const contrasts = sum(members) - (averaging ? 0 : 1); // less the anchor itself
  const weight = (k) => (anchors === "instance" ? counts[k] : 1);
  const mass = Float32Array.from({ length: K * K }, (_, i) => members[i % K] / contrasts);
  const both = (y, q) => (y === q ? 0 : weight(y) * members[q] + weight(q) * members[y]);
  return { mass, push: asShares(Float64Array.from({ length: K * K }, (_, i) => both(Math.floor(i / K), i % K)), K) };
}

/** A symmetric push, (K, K), as shares of the sum over all pairs of two classes; NaN on the diagonal. */
export function asShares(push, K) {
  let total = 0;
  push.forEach((value, i) => (total += i % K > Math.floor(i / K) && Number.isFinite(value) ? value : 0));
  return Float32Array.from(push, (value, i) => (i % K === Math.floor(i / K) ? NaN : value / total));
}

/** Share of all push that is between two classes of the tail, 0 to 1; null where the tail is one class. */
export function tailPushShare(push, K, { tail }) {
  const shares = asShares(push, K);
  if (tail.length < 2 || !shares.some(Number.isFinite)) return null;
  return sum(pairsWithin(tail, shares, K));
}

function pairsWithin(classes, matrix, K) {
  return classes.flatMap((row, i) => classes.slice(i + 1).map((column) => matrix[row * K + column]));
}

function unitRows(means, K, d) {
  const lengths = Array.from({ length: K }, (_, row) => Math.sqrt(dot(means, row, means, row, d)));
  const floor = DIRECTION_FLOOR * Math.max(0, ...lengths.filter(Number.isFinite));
  const divisors = lengths.map((length) => (Number.isFinite(length) && length > floor ? length : NaN));
  return Float64Array.from({ length: K * d }, (_, i) => means[i] / divisors[Math.floor(i / d)]);
}

function angleOf(cosine) {
  return (180 / Math.PI) * Math.acos(Math.min(1, Math.max(-1, cosine)));
}

function dot(a, i, b, j, d) {
  let total = 0;
  for (let k = 0; k < d; k++) total += a[i * d + k] * b[j * d + k];
  return total;
}

function centred(values) {
  const mean = meanOrNull(values);
  return values.map((value) => value - mean);
}

export function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function meanOrNull(values) {
  const finite = Array.from(values).filter(Number.isFinite);
  return finite.length ? sum(finite) / finite.length : null;
}

// Python rounds halves to the even neighbour, and the groups must be the same classes there and here.
function roundToEven(value) {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 ? nearest - 1 : nearest;
}
