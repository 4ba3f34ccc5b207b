// The numbers of the push's pictures: dots, lines and bars from an epoch's gradient statistics.

import { escaped } from "../export/words.js";
import { groupsOf, sum } from "../core/geometry.js";

const NO_PUSH = "Cross-entropy alone has no contrastive push.";
const NO_WEIGHTS = "Who pushes whom is not defined for this loss: it has no weights over pairs.";

/** Whether a loss has weights over pairs, so that the counts alone say something; of other code it is not known. */
export function hasWeights(switches) {
  return switches != null && switches.averaging !== null;
}

/** Why a run has no push, in a sentence. @param {Switches|null} switches of its loss; null for other code */
export function whyNoPush(switches) {
  if (switches?.contrastive === false) return NO_PUSH;
  return switches && !hasWeights(switches) ? NO_WEIGHTS : "This run recorded no gradients.";
}

/**
 * The classes of a run as its gradient statistics have them: one by one, or in bins of like frequency, 0 for the most
 * frequent; a bin's count is the mean of its classes'.
 */
export function pooled({ names, counts, groups, bins }) {
  if (!bins) return { names, counts, groups };
  const numbers = [...new Set(bins)].sort((a, b) => a - b);
  const means = numbers.map((bin) => {
    const members = counts.filter((_, k) => bins[k] === bin);
    return Math.round(sum(members) / members.length);
  });
  return { names: numbers.map((bin) => `bin ${bin}`), counts: means, groups: groupsOf(means) };
}

/**
 * A dot for each class that is pushed and each that pushes it, at the latter's count.
 *
 * @param {Float32Array} values (K, K), row = the class that is pushed
 * @returns {{x: number[], y: number[], text: string[], kind: string[]}} `kind` is the group of the class that is pushed
 */
export function pairDots(values, { names, counts, order, kinds }) {
  const who = (k) => `${escaped(names[k])} (n = ${counts[k]})`;
  const pairs = order.flatMap((row) => order.filter((column) => column !== row).map((column) => [row, column]));
  return inColumns(pairs, ([row, column]) => ({
    x: counts[column],
    y: values[row * counts.length + column],
    kind: kinds[row],
    text: `${who(column)} pushes ${who(row)}`,
  }));
}

/** A dot for each class that pushes: the geometric mean over those it pushes. Shapes are those of `pairDots`. */
export function classDots(values, { names, counts, order, kinds }) {
  const meanOf = (column) => {
    const logs = order.map((row) => Math.log(values[row * counts.length + column])).filter(Number.isFinite);
    return Math.exp(sum(logs) / logs.length);
  };
  const text = (k) => `${escaped(names[k])} (n = ${counts[k]}) on the others`;
  return inColumns(order, (k) => ({ x: counts[k], y: meanOf(k), kind: kinds[k], text: text(k) }));
}

function inColumns(items, dotOf) {
  const seen = items.map(dotOf).filter(({ y }) => y > 0); // no push was seen in the sampled steps
  return {
    x: seen.map(({ x }) => x),
    y: seen.map(({ y }) => y),
    kind: seen.map(({ kind }) => kind),
    text: seen.map(({ text, y }) => `${text}<br><b>${percent(y)}</b>`),
  };
}

/** A line for each class that is pushed, over the counts of those that push it. */
export function countLines(values, { counts, order }) {
  const lines = order.map((row) => order.filter((column) => column !== row).map((column) => [row, column]));
  const places = lines.flatMap((line) => [...line, null]);
  return {
    x: places.map((place) => place && counts[place[1]]),
    y: places.map((place) => place && values[place[0] * counts.length + place[1]]),
  };
}

/** A line of this slope, in log–log axes, through the middle of the dots; hidden where there is none. */
export function fitted({ x, y }, slope) {
  if (slope === null || !x.length) return { visible: false };
  const middle = (values) => sum(values.map(Math.log)) / values.length;
  const ends = [Math.min(...x), Math.max(...x)];
  return { x: ends, y: ends.map((end) => Math.exp(middle(y) + slope * (Math.log(end) - middle(x)))) };
}

export function extent(values) {
  const positive = values.filter((value) => value > 0);
  return positive.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, 0]);
}

/**
 * What each class receives: the pull of its own class, and the push of each group, as mean lengths of the gradient.
 *
 * @param {ArrayLike<number>} attraction (K,) @param {ArrayLike<number>} norm (K, K), row = the class that is moved
 * @returns {Object<string, number[]>} (K,) for pull, head, medium and tail
 */
export function received(attraction, norm, groups) {
  const pull = Array.from(attraction);
  const byGroup = (group) => pull.map((_, k) => sum(group.map((q) => norm[k * pull.length + q] || 0)));
  return { pull, ...Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, byGroup(group)])) };
}

/** A share in per cent, to about two figures. */
export function percent(share) {
  if (share === null || !Number.isFinite(share)) return "–";
  const hundredths = 100 * share;
  if (hundredths >= 10) return `${hundredths.toFixed(0)} %`;
  return `${hundredths >= 0.095 ? hundredths.toFixed(1) : Number(hundredths.toPrecision(1))} %`;
}
