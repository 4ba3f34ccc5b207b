// What the terms of the loss come to for one anchor.

/**
 * What who evaluates a loss tells of one anchor.
 *
 * @typedef {Object} Told
 * @property {number} own its class
 * @property {ArrayLike<number>} sizes (K,) members of each class in the batch, each view one
 * @property {ArrayLike<number>} shares (K,) of the denominator, by class; they add up to 1
 * @property {ArrayLike<number>} prototypes (K,) what of these is the prototypes'
 * @property {number} self the anchor's own share, by the self term
 * @property {number} log the logarithm of the denominator
 * @property {number} pull mean of s over the positives
 * @property {number} [value] the loss of the batch, where it is known
 */

/**
 * @param {Told} told @param {Switches} switches
 * @returns {?Object} null where the anchor has no positive and does not count
 */
export function partsOf(told, { averaging, complement, anchors, self_term }) {
  const { own, sizes, shares, prototypes, self, log, pull } = told;
  const positives = (k) => sizes[k] - 1 + complement;
  if (!(positives(own) > 0)) return null;
  const counted = Array.from(sizes.keys()).filter((k) => sizes[k] > 0 && positives(k) > 0);
  const total = counted.reduce((sum, k) => sum + sizes[k], 0);
  const denominator = Math.exp(log);
  const parts = Array.from(shares, (share) => share * denominator);
  const itself = self * denominator;
  const members = positives(own) + (self_term ? 1 : 0);
  return {
    denominator,
    own: parts[own],
    others: parts.map((part, k) => (k === own ? 0 : part)),
    self: itself,
    prototypes: Array.from(prototypes, (share) => share * denominator),
    positives: positives(own),
    sum: (parts[own] - itself) * (averaging ? members : 1), // over the positives, of e^s
    members: Array.from(sizes, (size) => size + complement), // of each class in the contrast set
    log,
    pull,
    loss: log - pull,
    anchors: total,
    classes: counted.length,
    weight: anchors === "class" ? 1 / (counted.length * sizes[own]) : 1 / total,
  };
}
