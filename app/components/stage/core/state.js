// What the stage shows, as the page's address: one table, from which reading, writing and the defaults follow.

import { DEFAULT_SPEED, FASTEST, SLOWEST } from "./clock.js";
import { fromText, toText } from "./select.js";

const RUN_ID = /^[a-z0-9-]{8,64}$/;
const MOST_RUNS = 4;
const SEPARATOR = "."; // one that addresses leave as it is

const flag = choice({ 0: false, 1: true });

/**
 * The fields of the state, under their names in the address. `parse` reads a text and returns null for garbage, and
 * `format` writes what it reads. `initial` is the default as text; where that is "" and garbage, the default is null.
 */
export const FIELDS = {
  runs: { initial: "", ...runIds() },
  epoch: { initial: "", ...matching(/^\d{1,5}$/, Number) }, // null is the last one
  speed: { initial: String(DEFAULT_SPEED), ...between(SLOWEST, FASTEST) }, // epochs a second
  follow: { initial: "0", ...flag },
  split: { initial: "test", ...oneOf("test", "train") },
  dims: { initial: "2", ...choice({ 2: 2, 3: 3 }) },
  colour: { initial: "class", ...oneOf("class", "group", "correct", "confidence") },
  layers: {
    initial: "simplex.means",
    ...someOf("simplex", "predicted", "means", "trails", "prototypes", "classifier", "shuffled"),
  },
  panels: { initial: "formation.push.tour.angles", ...someOf("formation", "curves", "push", "tour", "angles") },
  target: { initial: "simplex", ...oneOf("simplex", "predicted") },
  of: { initial: "class_means", ...oneOf("class_means", "prototypes", "classifier") },
  difference: { initial: "0", ...flag },
  blocks: { initial: "", ...someOf(..."012345678") }, // of a heat map's groups of classes, those that are open
  metric: { initial: "angle_rms_deviation", ...matching(/^[a-z0-9_]{1,40}$/) }, // Python knows which there are
  log: { initial: "0", ...flag }, // whether the axis of epochs is logarithmic
  quantity: { initial: "pair_push", ...oneOf("pair_push", "gradient_mass") },
  pair: { initial: "", ...pairOfClasses() }, // the classes whose true angle is printed: none, one or two
  presenter: { initial: "0", ...flag },
  hidden: { initial: "", ...someOf("1", "2", "3", "4") }, // places of the runs that a presenter has not revealed
  control: { initial: "", ...matching(/^(balanced|swapped)$/) }, // that a presenter shows
  basis: { initial: "", ...matching(/^([\w-]{8}){3,10}$/) }, // for tour.js to decode; null: as coordinates come
  selection: { initial: "", parse: fromText, format: toText },
};

/**
 * Read the state from an address. A field that is missing or garbage has its default; nothing is thrown.
 *
 * @param {string} search the address's query, with or without "?"
 * @returns {Object} a value for each of FIELDS: runs, layers and panels are lists of texts; epoch is a whole number, or
 *   null for the last; speed and dims are numbers; follow, difference, log and presenter are booleans; pair is a list of
 *   at most two classes; selection is a rising Uint32Array; basis is a text or null; the others are texts
 */
export function read(search) {
  const given = new URLSearchParams(search);
  const valueOf = ([name, { initial, parse }]) => [name, parse(given.get(name) ?? initial) ?? parse(initial)];
  return Object.fromEntries(Object.entries(FIELDS).map(valueOf));
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

function matching(pattern, convert = String) {
  return {
    parse: (text) => (pattern.test(text) ? convert(text) : null),
    format: (value) => (value === null ? "" : String(value)),
  };
}

function between(low, high) {
  const { parse } = matching(/^\d{1,3}(\.\d{1,2})?$/, Number);
  const inRange = (value) => (value !== null && value >= low && value <= high ? value : null);
  return { parse: (text) => inRange(parse(text)), format: (value) => String(Number(value.toFixed(2))) };
}

function choice(values) {
  return {
    parse: (text) => (Object.hasOwn(values, text) ? values[text] : null),
    format: (value) => Object.keys(values).find((text) => values[text] === value),
  };
}

function oneOf(...names) {
  return choice(Object.fromEntries(names.map((name) => [name, name])));
}

function someOf(...names) {
  const { parse } = listOf((items) => items.every((item) => names.includes(item)));
  const ordered = (items) => items && names.filter((name) => items.includes(name));
  return { parse: (text) => ordered(parse(text)), format: (items) => ordered(items).join(SEPARATOR) };
}

function runIds() {
  const differ = (ids) => new Set(ids).size === ids.length;
  return listOf((ids) => ids.length <= MOST_RUNS && differ(ids) && ids.every((id) => RUN_ID.test(id)));
}

function pairOfClasses() {
  const { parse, format } = listOf((items) => items.length <= 2 && items.every((item) => /^\d{1,4}$/.test(item)));
  return { parse: (text) => parse(text)?.map(Number) ?? null, format };
}

function listOf(accepts) {
  const itemsOf = (text) => (text === "" ? [] : text.split(SEPARATOR));
  return {
    parse: (text) => (accepts(itemsOf(text)) ? itemsOf(text) : null),
    format: (items) => items.join(SEPARATOR),
  };
}
