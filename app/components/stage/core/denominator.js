// What stands in an anchor's denominator, and what each of it weighs and pushes, under each corner of the square. The
// formulas are those of bcl_core.losses.contrastive, for one anchor; a test holds the two together.

/** The corners, with their switches; the order is that of a learner: nothing, either half, both. */
export const CORNERS = [
  { title: "SCL", averaging: false, complement: false },
  { title: "averaging", averaging: true, complement: false },
  { title: "complement", averaging: false, complement: true },
  { title: "BCL", averaging: true, complement: true },
];

/**
 * One anchor's denominator. Keys are the members of the batch, a view each, then the prototypes.
 *
 * @param {{keys: Float32Array, classes: Int32Array, K: number, d: number}} batch unit rows (M + K, d), prototypes last,
 *   and the class of each
 * @param {number} anchor its row, below M
 * @param {{averaging: boolean, complement: boolean, self_term: boolean, temperature: number}} loss
 * @returns {{shares: Float64Array, lengths: Float64Array, pushes: Float64Array, log: number}} (M + K,) shares of the
 *   denominator, which add up to 1, and the lengths of the pushes that follow, tangential, with the factor 1/τ; (K,)
 *   lengths of the sums of the pushes by class; the denominator's logarithm
 */
export function denominator({ keys, classes, K, d }, anchor, { averaging, complement, self_term, temperature }) {
  const N = classes.length;
  const isIn = (k) => (k < N - K ? k !== anchor || self_term : complement);
  const cosines = Float64Array.from({ length: N }, (_, k) => (k === anchor ? 1 : dot(keys, k, anchor, d)));
  const sizes = new Float64Array(K);
  for (let k = 0; k < N; k++) sizes[classes[k]] += isIn(k);
  const term = (k) => Math.exp((cosines[k] - 1) / temperature) / (averaging ? sizes[classes[k]] : 1);
  const shares = Float64Array.from({ length: N }, (_, k) => (isIn(k) ? term(k) : 0));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const sums = new Float64Array(K * d); // of the pushes, by class
  const lengths = new Float64Array(N);
  for (let k = 0; k < N; k++) {
    shares[k] /= total;
    if (k === anchor) continue; // it has no tangential part
    let square = 0;
    for (let i = 0; i < d; i++) {
      const along = shares[k] * (keys[k * d + i] - cosines[k] * keys[anchor * d + i]) / temperature;
      sums[classes[k] * d + i] += along;
      square += along * along;
    }
    lengths[k] = Math.sqrt(square);
  }
  const pushes = Float64Array.from({ length: K }, (_, q) => Math.sqrt(dot(sums, q, q, d)));
  return { shares, lengths, pushes, log: Math.log(total) + 1 / temperature };
}

/** What an anchor's loss is made of, as formula/parts.js takes it; parameters as above. */
export function toldOf(batch, anchor, loss) {
  const { keys, classes, K, d } = batch;
  const [N, own] = [classes.length, classes[anchor]];
  const { shares, log } = denominator(batch, anchor, loss);
  const sizes = byClass(Float64Array.from(shares, (_, k) => Number(k < N - K)), batch);
  const last = loss.complement ? N : N - K;
  const positives = Array.from(classes.keys()).filter((k) => k < last && k !== anchor && classes[k] === own);
  const pull = positives.reduce((sum, k) => sum + dot(keys, k, anchor, d), 0) / positives.length / loss.temperature;
  return { own, sizes, shares: byClass(shares, batch), prototypes: shares.slice(N - K), self: shares[anchor], log, pull };
}

/** Sums of values by class. @param {ArrayLike<number>} values one a key @returns {Float64Array} (K,) */
export function byClass(values, { classes, K }) {
  const sums = new Float64Array(K);
  for (let k = 0; k < classes.length; k++) sums[classes[k]] += values[k];
  return sums;
}

function dot(rows, a, b, d) {
  let sum = 0;
  for (let i = 0; i < d; i++) sum += rows[a * d + i] * rows[b * d + i];
  return sum;
}
