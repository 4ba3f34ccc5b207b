// What each term of the loss does, and what it comes to.

import { number } from "../stage/core/dom.js";
import { plural } from "../stage/core/words.js";

const LISTED = 10; // classes that are named one by one

/** Where paper and code differ, once. */
export const SELF_TERM =
  "As printed in the paper, the anchor itself stands in its own class’s mean, too; the paper’s public code leaves it " +
  "out, and so does training here unless a recipe has the self term (Zhu et al., CVPR 2022, arXiv 2207.09052; Theory, " +
  "section 1).";

/**
 * Of each term: what it is called and what it does under these switches, and what it comes to.
 *
 * `numbers` takes what `partsOf` found, and `of`: names of the classes, τ, and what only some who show a formula know.
 */
export const TERMS = {
  anchors: {
    title: ({ anchors }) => (anchors === "class" ? "Class anchors" : "Average over the anchors"),
    says: ({ anchors }) =>
      anchors === "class"
        ? "A mean within each class, then one over C, the classes in the batch: each counts once, however few its images."
        : "A mean over A, the anchors with a positive, each view of an image one: a class counts as often as it has images.",
    numbers: ({ anchors, classes, weight }, { switches, value }) => {
      const among = switches.anchors === "class" ? plural(classes, "class", "classes") : plural(anchors, "anchor");
      const whole = value === undefined ? "" : ` The loss of the batch: ${number(value, 2)}.`;
      return `${among}; this one weighs 1/${number(1 / weight)}.${whole}`;
    },
  },
  log: {
    title: () => "Logarithm of the denominator",
    says: () => "All that stands in D competes with the positives. To lower it is to push it away, each by its share of D.",
    numbers: ({ denominator, log }) => `D ${amount(denominator)}; its logarithm ${number(log, 2)}.`,
  },
  pull: {
    title: () => "Pull of the positives",
    says: () => "The mean similarity s to the positives Q. To raise it is to pull them together, all alike.",
    numbers: ({ positives, pull }, { temperature }) =>
      `Mean over ${plural(positives, "positive")}: ${number(pull, 2)}. The most it can be is 1/τ = ${number(1 / temperature, 2)}.`,
  },
  mean: {
    title: () => "Class-averaging, own class",
    says: () => "The own class enters by its mean, and not by its sum: a large class does not drown the others.",
    numbers: ({ positives, own }, { switches: { self_term } }) => `1/${positives + (self_term ? 1 : 0)}; with it the own class is ${amount(own)}.`,
  },
  own: {
    title: () => "Own class",
    says: () => "The positives stand in the denominator, too: they also push, the nearest most.",
    numbers: ({ sum, own, self, denominator }, { switches: { averaging } }) =>
      `Sum ${amount(sum)}. ${averaging ? "Its part of D, by the mean" : "Its share of D"}: ${share((own - (averaging ? 0 : self)) / denominator)}.`,
  },
  self: {
    title: () => "Self term",
    says: () => "The anchor’s similarity to itself, as the paper prints it: it moves nothing, and takes its share of D from what does.",
    numbers: ({ self, denominator }, { temperature }) =>
      `e^(1/τ) = ${amount(Math.exp(1 / temperature))}, ${share(self / denominator)} of D.`,
  },
  weight: {
    title: () => "Class-averaging, other classes",
    says: ({ complement }) =>
      `Each class enters by the mean of its m_j members${complement ? " and its prototype" : ""}: it pushes no harder for having more of them.`,
    numbers: ({ members }, { own, names }) => `${listed(members, own, names, (count) => (count ? `1/${count}` : null)) || "no other class is here"}.`,
  },
  others: {
    title: () => "Other classes",
    says: ({ averaging }) =>
      averaging
        ? "What pushes the anchor away: of every other class the mean of its members, the nearest the most."
        : "What pushes the anchor away: every member of every other class. At equal similarities, a class with ten times the images pushes ten times as hard.",
    numbers: ({ others, denominator }, { own, names }) => {
      const all = others.reduce((sum, part) => sum + part, 0);
      return `${listed(others, own, names, (part) => amount(part))}; together ${share(all / denominator)} of D.`;
    },
  },
  prototypes: {
    title: () => "Class-complement",
    says: () =>
      "A learned vector of each class is in every batch, also where no image of it is. The own class’s pulls, those of others push.",
    numbers: ({ prototypes, denominator }, { names }) => {
      const all = prototypes.reduce((sum, part) => sum + part, 0);
      return `${listed(prototypes, -1, names, (part) => amount(part))}; together ${share(all / denominator)} of D.`;
    },
  },
  temperature: {
    title: () => "Temperature τ",
    says: () => "It divides every cosine: the smaller it is, the more the nearest members push, and the less the far ones.",
    numbers: (_, { temperature }) =>
      `τ ${temperature}: a member at cosine 1 has e^s = ${amount(Math.exp(1 / temperature))}, one at cosine 0 has 1.`,
  },
};

/** A positive amount with three digits. */
export function amount(value) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  if (value >= 1e6 || value < 1e-3) {
    const [digits, power] = value.toExponential(2).split("e");
    return `${digits} × 10${superscript(Number(power))}`;
  }
  const after = Math.max(0, 2 - Math.floor(Math.log10(value.toPrecision(3))));
  return Number(value.toFixed(after)).toLocaleString("en-US", { minimumFractionDigits: after, maximumFractionDigits: after });
}

function superscript(power) {
  return String(power).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
}

function share(part) {
  return `${number(100 * part, part < 0.1 ? 1 : 0)} %`;
}

/** "A: 49.1, B: 38.5": what each class has, but for one of them; the largest, where they are many. */
function listed(values, except, names, inWords) {
  const all = Array.from(values, (value, k) => ({ k, value, text: inWords(value) }));
  const said = all.filter(({ k, text }) => k !== except && text !== null);
  const shown = new Set([...said].sort((a, b) => b.value - a.value).slice(0, LISTED));
  const first = said.filter((one) => shown.has(one)).map(({ k, text }) => `${names[k]}:\u00a0${text}`);
  return first.join(", ") + (said.length > LISTED ? ` and ${said.length - LISTED} more` : "");
}
