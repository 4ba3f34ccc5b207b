// What the lab shows, as its page's address. No DOM, so that it can be tested.

import { DEFAULT_LANGUAGE } from "../lessons/address.js";
import { filled } from "../stage/core/templates.js";
import { OPENING } from "./predicted.js";
import { READ, switchesOf } from "./settings.js";

export const OPENS = { ...OPENING, seed: 0, losses: ["scl", "bcl-class"] };

const FIELDS = {
  counts: { read: (text, words) => READ.counts(text.replaceAll(".", " "), words), write: (counts) => counts.join(".") },
  temperature: { read: READ.temperature, write: String },
  batch: { read: READ.batch, write: String },
  seed: { read: READ.seed, write: String },
  losses: { read: lossesOf, write: (losses) => losses.join(".") },
};

function lossesOf(text, words) {
  const losses = text.split(".").slice(0, 2);
  const unknown = losses.find((loss) => switchesOf(loss) === null);
  if (unknown === undefined) return losses;
  throw new Error(filled(words.sphere.refused.losses, { given: unknown.slice(0, 30) }));
}

/** @param {Object} words of the language @returns {{shown: Object, wrong: string[]}} a value for each of OPENS, and what could not be read, in sentences */
export function read(search, words) {
  const [given, shown, wrong] = [new URLSearchParams(search), { ...OPENS }, []];
  for (const [name, field] of Object.entries(FIELDS)) {
    if (!given.has(name)) continue;
    try {
      shown[name] = field.read(given.get(name), words);
    } catch (error) {
      wrong.push(error.message);
    }
  }
  return { shown, wrong };
}

/** Write it as a query, without "?"; what the lab opens with is left out. */
export function write(shown, lang = DEFAULT_LANGUAGE) {
  const search = new URLSearchParams();
  for (const [name, { write: written }] of Object.entries(FIELDS)) {
    const [text, usual] = [shown, OPENS].map((of) => written(of[name]));
    if (text !== usual) search.set(name, text);
  }
  if (lang !== DEFAULT_LANGUAGE) search.set("lang", lang);
  return search.toString();
}
