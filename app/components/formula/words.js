// What each term of the loss does, and what it comes to.

import { number } from "../stage/core/dom.js";
import { counted, filled } from "../stage/core/templates.js";
import { whole } from "../stage/core/words.js";

const LISTED = 10; // classes that are named one by one

/**
 * Of each term: which of a language's texts hold under these switches, where it has several; and what it comes to.
 *
 * `numbers` takes what `partsOf` found; `of`: names of the classes, τ, and what only some who show a formula know; and
 * the language's words, of which `said` are those of the term.
 */
export const TERMS = {
  anchors: {
    kind: ({ anchors }) => anchors,
    numbers: ({ anchors, classes, weight }, { switches, value }, words, said) => {
      const among = switches.anchors === "class" ? classes : anchors;
      const found = counted(said, among, { parts: number(1 / weight) });
      if (value === undefined) return found;
      const whole = filled(words.formula.terms.anchors.batch, { value: number(value, 2) });
      return [found, whole].join(words.joining.sentences);
    },
  },
  log: {
    numbers: ({ denominator, log }, of, words, said) => filled(said, { denominator: amount(denominator), log: number(log, 2) }),
  },
  pull: {
    numbers: ({ positives, pull }, { temperature }, words, said) =>
      counted(said, positives, { pull: number(pull, 2), most: number(1 / temperature, 2) }),
  },
  mean: {
    numbers: ({ positives, own }, { switches: { self_term } }, words, said) =>
      filled(said, { members: positives + (self_term ? 1 : 0), own: amount(own) }),
  },
  own: {
    kind: ({ averaging }) => (averaging ? "mean" : "sum"),
    numbers: ({ sum, own, self, denominator }, { switches: { averaging } }, words, said) =>
      filled(said, { sum: amount(sum), share: share((own - (averaging ? 0 : self)) / denominator) }),
  },
  self: {
    numbers: ({ self, denominator }, { temperature }, words, said) =>
      filled(said, { self: amount(Math.exp(1 / temperature)), share: share(self / denominator) }),
  },
  weight: {
    kind: ({ complement }) => (complement ? "prototypes" : "members"),
    numbers: ({ members }, { own, names }, words, said) =>
      filled(said, { listed: listed(members, own, names, (count) => (count ? `1/${count}` : null), words) || words.formula.nobody }),
  },
  others: {
    kind: ({ averaging }) => (averaging ? "mean" : "sum"),
    numbers: ({ others, denominator }, { own, names }, words, said) => together(others, denominator, own, names, words, said),
  },
  prototypes: {
    numbers: ({ prototypes, denominator }, { names }, words, said) => together(prototypes, denominator, -1, names, words, said),
  },
  temperature: {
    numbers: (_, { temperature }, words, said) => filled(said, { tau: temperature, most: amount(Math.exp(1 / temperature)) }),
  },
};

/** What a term is called under these switches. @param {Object} words of the language */
export function titleOf(name, switches, words) {
  return textOf(name, "title", switches, words);
}

/** What it does. */
export function saysOf(name, switches, words) {
  return textOf(name, "says", switches, words);
}

/** What it comes to. @param {Object} parts of `partsOf` @param {Object} of see TERMS */
export function numbersOf(name, parts, of, words) {
  return TERMS[name].numbers(parts, of, words, textOf(name, "numbers", of.switches, words));
}

function textOf(name, part, switches, words) {
  const text = words.formula.terms[name][part];
  return typeof text === "string" || Array.isArray(text) ? text : text[TERMS[name].kind(switches)];
}

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

function together(parts, denominator, except, names, words, said) {
  const all = parts.reduce((sum, part) => sum + part, 0);
  return filled(said, { listed: listed(parts, except, names, amount, words), share: share(all / denominator) });
}

/** "A: 49.1, B: 38.5": what each class has, but for one of them; the largest, where they are many. */
function listed(values, except, names, inWords, words) {
  const all = Array.from(values, (value, k) => ({ k, value, text: inWords(value) }));
  const said = all.filter(({ k, text }) => k !== except && text !== null);
  const shown = new Set([...said].sort((a, b) => b.value - a.value).slice(0, LISTED));
  const first = said.filter((one) => shown.has(one)).map(({ k, text }) => filled(words.formula.of_class, { name: names[k], value: text }));
  const found = first.join(words.joining.comma);
  return said.length > LISTED ? filled(words.formula.further, { listed: found, n: whole(said.length - LISTED) }) : found;
}
