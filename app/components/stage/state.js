// What the stage shows, as the page's address: one table, from which reading, writing and the defaults follow.

import { ALL, LENSES } from "./lenses/lenses.js";
import { DEFAULT_SPEED, FASTEST, SLOWEST } from "./core/clock.js";
import { between, flag, listOf, matching, oneOf, someOf } from "./core/fields.js";
import { fromText, toText } from "./core/select.js";

const MOST_RUNS = 5;
const RUN_ID = /^[a-z0-9-]{8,64}$/;
const PLACES = Array.from({ length: MOST_RUNS }, (_, i) => String(i + 1));
const KEYS = LENSES.map(({ key }) => key);
const differ = (ids) => new Set(ids).size === ids.length;

/** The fields of the state, under their names in the address: those of the stage, and those of each lens. */
export const FIELDS = {
  runs: listOf((ids) => ids.length <= MOST_RUNS && differ(ids) && ids.every((id) => RUN_ID.test(id))),
  lens: oneOf(...KEYS, ALL),
  epoch: matching("", /^\d{1,5}$/, Number), // null is the last one
  speed: between(String(DEFAULT_SPEED), SLOWEST, FASTEST), // epochs a second
  follow: flag(),
  log: flag(), // whether axes of epochs are logarithmic
  presenter: flag(),
  hidden: someOf("", ...PLACES), // places of the runs that a presenter has not revealed
  control: matching("", /^(balanced|swapped)$/), // that a presenter shows
  selection: { initial: "", parse: fromText, format: toText },
  ...Object.assign({}, ...LENSES.map(({ fields }) => fields)),
};

/** Names that addresses have and the stage does not: of older ones, and by which a class leads to this page. */
export const OLD_FIELDS = ["run", "other", "group", "race", "source", "seed", "new", "panels", "led"];

/** Read the state, a value for each of FIELDS, from an address's query; what is missing or garbage has its default. */
export function read(search) {
  const given = new URLSearchParams(search);
  const valueOf = ([name, { initial, parse }]) => [name, parse(given.get(name) ?? initial) ?? parse(initial)];
  const state = Object.fromEntries(Object.entries(FIELDS).map(valueOf));
  return given.has("lens") || !given.has("panels") ? state : { ...state, lens: lensOf(given.get("panels")) };
}

/** Older addresses list the panels that are open. */
function lensOf(panels) {
  const found = panels.split(".").map((name) => (name === "tour" ? "embedding" : name));
  const known = KEYS.filter((key) => found.includes(key));
  return known.length > 1 ? ALL : (known[0] ?? KEYS[0]);
}

/** Write the state as an address's query, without "?"; fields that have their default are left out. */
export function write(state) {
  const search = new URLSearchParams();
  for (const [name, { initial, format }] of Object.entries(FIELDS)) {
    const text = format(state[name]);
    if (text !== initial) search.set(name, text);
  }
  return search.toString();
}
