// What can be set, what is wrong with it, and what is worth knowing of it, in sentences.

import { isUneven } from "../stage/core/classes.js";
import { listed, plural, whole } from "../stage/core/words.js";
import { OPENING } from "./predicted.js";

export const ROOM = 4; // classes whose regular simplex has room on a sphere
const MOST_CLASSES = 8;
const MOST_IMAGES = 400; // of all classes together: a step compares each two of a batch
const STALLS = 0.1; // τ from which downwards steps stall before the optimum

const UNFORETOLD =
  "No prediction is drawn for these settings: it takes the app to compute it. This page has those of equal counts, and " +
  `of ${OPENING.counts.join("/")} with τ ${OPENING.temperature}, in batches of ${OPENING.batch} or of everything.`;

const NAMES = "ABCDEFGH";

export function nameOf(k) {
  return NAMES[k];
}

/** The switches from first to last: each adds to those before it, from SCL to BCL with class anchors. */
export const LADDER = [
  { name: "class-averaging", isOn: ({ averaging }) => averaging, turned: (on) => ({ averaging: on }) },
  { name: "class-complement", isOn: ({ complement }) => complement, turned: (on) => ({ complement: on }) },
  {
    name: "class anchors",
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
export function countsOf(text) {
  const written = text.split(/[\s,;/]+/).filter(Boolean);
  const counts = written.map((word) => (/^\d{1,9}$/.test(word) ? Number(word) : NaN));
  const wrong = counts.findIndex((count) => !(count >= 1));
  if (wrong >= 0 && counts[wrong] === 0) {
    throw new Error("A class of 0 images has no point to move: leave it out, or write 1 or more.");
  }
  if (wrong >= 0) throw new Error(`“${written[wrong].slice(0, 20)}” is no count: write whole numbers, such as 130 32 8 2.`);
  if (counts.length < 2) throw new Error("One class has no other to stand apart from: write two counts or more.");
  if (counts.length > MOST_CLASSES) {
    throw new Error(`${counts.length} classes are more than a sphere shows well: write ${MOST_CLASSES} counts or fewer.`);
  }
  const images = counts.reduce((sum, count) => sum + count);
  if (images > MOST_IMAGES) {
    throw new Error(`${whole(images)} images are too many for smooth steps: write ${MOST_IMAGES} in all or fewer.`);
  }
  return counts;
}

/** A number within bounds, from what was written. @returns {number} or throws a sentence */
function numberOf(text, what, least, most, isWhole) {
  const value = text.trim() === "" ? NaN : Number(text);
  if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
  throw new Error(`${what} is a ${isWhole ? "whole " : ""}number from ${least} to ${most}.`);
}

/** How each field is read: throws a sentence where it cannot be. */
export const READ = {
  counts: countsOf,
  temperature: (text) => numberOf(text, "τ", 0.02, 5, false),
  batch: (text) => numberOf(text, "A batch’s size", 2, 1000, true),
  seed: (text) => numberOf(text, "A seed", 0, 99999, true),
};

/** What is worth knowing of settings. @param {Switches[]} shown of the spheres @returns {string[]} sentences */
export function notesOn({ counts, temperature, batch }, shown, isForetold = true) {
  const n = counts.reduce((sum, count) => sum + count);
  const notes = isForetold ? [] : [UNFORETOLD];
  if (counts.length > ROOM && isUneven(counts)) {
    notes.push(
      `Three dimensions have no room for the optimum of ${counts.length} classes: it needs ${counts.length - 1}. ` +
        "With uneven counts the points end in one of many local minima: there is no prediction here.",
    );
  } else if (counts.length > ROOM) {
    notes.push(
      `A regular simplex of ${counts.length} classes needs ${counts.length - 1} dimensions and has no room on a ` +
        "sphere. Where do equal counts end instead?",
    );
  }
  const single = counts.flatMap((count, k) => (count === 1 ? nameOf(k) : []));
  if (single.length && shown.some(({ complement }) => !complement)) {
    notes.push(
      `${listed(single)}: one image. Without prototypes its one positive is its own other view, the same point: ` +
        "nothing pulls it, and it is only pushed.",
    );
  }
  if (batch > n) notes.push(`A batch of ${whole(batch)} is more than there is: every batch holds all ${n} images.`);
  else if (n % batch) {
    const steps = plural(Math.floor(n / batch), "batch", "batches");
    notes.push(`An epoch is ${steps} of ${batch}; the ${n % batch} images left are dropped, others each time.`);
  }
  if (temperature <= STALLS) notes.push("At so small a τ only the nearest push: steps stall long before the optimum.");
  return notes;
}
