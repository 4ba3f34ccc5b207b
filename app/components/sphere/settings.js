// What can be set, what is wrong with it, and what is worth knowing of it, in sentences.

import { isUneven } from "../stage/core/classes.js";
import { counted, filled } from "../stage/core/templates.js";
import { whole } from "../stage/core/words.js";
import { OPENING } from "./predicted.js";

export const ROOM = 4; // classes whose regular simplex has room on a sphere
const MOST_CLASSES = 8;
const MOST_IMAGES = 400; // of all classes together: a step compares each two of a batch
const STALLS = 0.1; // τ from which downwards steps stall before the optimum

const NAMES = "ABCDEFGH";

export function nameOf(k) {
  return NAMES[k];
}

/** The switches from first to last: each adds to those before it, from SCL to BCL with class anchors; a language's
 * `formula.switches` has what each is called. */
export const LADDER = [
  { name: "averaging", isOn: ({ averaging }) => averaging, turned: (on) => ({ averaging: on }) },
  { name: "complement", isOn: ({ complement }) => complement, turned: (on) => ({ complement: on }) },
  {
    name: "anchors",
    isOn: ({ anchors }) => anchors === "class",
    turned: (on) => ({ anchors: on ? "class" : "instance" }),
  },
];

const BASES = [["scl", "class-complement"], ["class-averaging", "bcl"]];

/** The loss's name in the app: "scl", "bcl-class" … @param {Switches} switches */
export function variantOf({ averaging, complement, anchors }) {
  return BASES[Number(averaging)][Number(complement)] + (anchors === "class" ? "-class" : "");
}

/** The other way round; null where no loss has this name. @returns {?Switches} */
export function switchesOf(variant) {
  const anchors = variant.endsWith("-class") ? "class" : "instance";
  const base = variant.replace(/-class$/, "");
  const averaging = BASES.findIndex((row) => row.includes(base));
  return averaging < 0 ? null : { averaging: Boolean(averaging), complement: BASES[averaging].indexOf(base) > 0, anchors };
}

export const SCL = switchesOf("scl");

/** How a prediction is asked for, and known by. @param {{counts: number[], variant: string}} asked beside τ and batch */
export function questionOf({ counts, variant, temperature, batch }) {
  return new URLSearchParams({ counts: counts.join("."), loss: variant, temperature, batch }).toString();
}

/** Counts from what was written. @returns {number[]} or throws a sentence */
export function countsOf(text, words) {
  const written = text.split(/[\s,;/]+/).filter(Boolean);
  const counts = written.map((word) => (/^\d{1,9}$/.test(word) ? Number(word) : NaN));
  const wrong = counts.findIndex((count) => !(count >= 1));
  if (wrong >= 0 && counts[wrong] === 0) throw new Error(words.sphere.refused.empty);
  if (wrong >= 0) throw new Error(filled(words.sphere.refused.count, { given: written[wrong].slice(0, 20) }));
  if (counts.length < 2) throw new Error(words.sphere.refused.single);
  if (counts.length > MOST_CLASSES) {
    throw new Error(filled(words.sphere.refused.classes, { given: counts.length, most: MOST_CLASSES }));
  }
  const images = counts.reduce((sum, count) => sum + count);
  if (images > MOST_IMAGES) throw new Error(filled(words.sphere.refused.images, { given: whole(images), most: MOST_IMAGES }));
  return counts;
}

/** A number within bounds, from what was written. @returns {number} or throws a sentence */
function numberOf(text, refusal, least, most, isWhole) {
  const value = text.trim() === "" ? NaN : Number(text);
  if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
  throw new Error(filled(refusal, { least, most }));
}

/** How each field is read: throws a sentence of the language where it cannot be. */
export const READ = {
  counts: countsOf,
  temperature: (text, words) => numberOf(text, words.sphere.refused.temperature, 0.02, 5, false),
  batch: (text, words) => numberOf(text, words.sphere.refused.batch, 2, 1000, true),
  seed: (text, words) => numberOf(text, words.sphere.refused.seed, 0, 99999, true),
};

/**
 * What is worth knowing of settings.
 *
 * @param {Switches[]} shown of the spheres @param {Object} words of the language @param {boolean} isForetold or else
 *   nobody could say what is predicted @returns {string[]} sentences
 */
export function notesOn({ counts, temperature, batch }, shown, words, isForetold = true) {
  const n = counts.reduce((sum, count) => sum + count);
  const notes = [];
  if (!isForetold) {
    const { counts: known, temperature: tau, batch: size } = OPENING;
    notes.push(filled(words.sphere.notes.unforetold, { counts: known.join("/"), tau, batch: size }));
  }
  if (counts.length > ROOM) {
    const text = isUneven(counts) ? words.sphere.notes.uneven : words.sphere.notes.even;
    notes.push(filled(text, { classes: counts.length, needed: counts.length - 1 }));
  }
  const single = counts.flatMap((count, k) => (count === 1 ? nameOf(k) : []));
  if (single.length && shown.some(({ complement }) => !complement)) {
    notes.push(filled(words.sphere.notes.single, { names: single.join(words.joining.comma) }));
  }
  if (batch > n) notes.push(filled(words.sphere.notes.larger, { batch: whole(batch), n }));
  else if (n % batch) notes.push(counted(words.sphere.notes.dropped, Math.floor(n / batch), { batch, rest: n % batch }));
  if (temperature <= STALLS) notes.push(words.sphere.notes.stalls);
  return notes;
}
