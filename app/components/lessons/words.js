// Texts of lessons: numbers come into them by their names, and each says where it is from. No DOM.

import { PLACE, batchesIn, filled } from "../stage/core/templates.js";

/** A number as it is read, in one piece: "96.4°". @param {{value: string, unit: string}} number */
export function shown({ value, unit }) {
  return `${value}${unit}`.replaceAll(" ", "\u00a0");
}

/** A text with its numbers as terms that can be explained; see glossary.js. */
export function marked(text, numbers) {
  return text.replace(PLACE, (place, name) => (name in numbers ? `[${shown(numbers[name])}|#${name}]` : place));
}

/** The same without marks, as it is printed, or asked of a class. */
export function plain(text, numbers) {
  return filled(text, Object.fromEntries(Object.entries(numbers).map(([name, number]) => [name, shown(number)]))).replace(
    /\[([^\][|]+)(?:\|[^\][|]+)?\]/g,
    "$1",
  );
}

/** The glossary, with where each number is from under "#" and its name. @param {Object} words of the language */
export function explained(numbers, words) {
  const own = Object.entries(numbers).map(([name, number]) => [`#${name}`, origin(number, words)]);
  return { ...words.glossary, ...Object.fromEntries(own) };
}

/** Where a number is from, in a sentence. */
export function origin({ source, tau, batch, seeds, counts, epochs }, words) {
  return filled(words.sources[source], { tau, batches: batchesIn(words, batch), seeds, counts: counts?.join(", "), epochs });
}

/** Choices of a poll on a value: what lies between edges. @param {number[]} edges rising */
export function ranges(edges, unit, { below, above }) {
  const between = edges.slice(1).map((edge, i) => `${edges[i]}–${edge}${unit}`);
  return [filled(below, { value: `${edges[0]}${unit}` }), ...between, filled(above, { value: `${edges.at(-1)}${unit}` })];
}

/** The first number that a value shows, "63.3 ± 12.7" say. */
export function amount({ value }) {
  return Number.parseFloat(value.replace("−", "-"));
}
