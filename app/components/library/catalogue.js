// Which runs are listed, under which groups, and what is said of them in words. No elements here.

import { number } from "../stage/core/dom.js";
import { isBounded } from "../stage/core/bounds.js";
import { factor, plural } from "../stage/core/words.js";

export const KINDS = { own: "Yours", shelf: "With the project", imported: "Imported", recorded: "Recorded" };
export const STATES = {
  active: "In training",
  finished: "Finished",
  stopped: "Stopped",
  failed: "Failed",
  unreadable: "Unreadable",
  deleted: "Deleted",
};
const ACTIVE = ["queued", "running", "paused"];
const FIELDS = ["look", "find", "kind", "state", "sort"];

/** What rows are sorted by: its name, and a run's value, null where it has none. Numbers fall first, words rise. */
export const COLUMNS = {
  name: { title: "Run", of: ({ name }) => name.toLowerCase() },
  standing: { title: "State", of: (run) => stateInWords(run) },
  accuracy: { title: "Accuracy", of: ({ figures }) => figures.accuracy },
  many: { title: "Many", of: ({ figures }) => figures.many },
  medium: { title: "Medium", of: ({ figures }) => figures.medium },
  few: { title: "Few", of: ({ figures }) => figures.few },
  angle: { title: "Mean angle", of: ({ figures }) => figures.angle },
  tail: { title: "Tail–tail", of: ({ figures }) => figures.tail },
};
const WORDS = ["name", "standing"];

/**
 * @typedef {{look: "" | "rows", find: string, kind: string, state: string, sort: string}} Asked what of the runs is to be
 *   listed; `sort` is one of COLUMNS, after "-" where its values fall, or ""
 */

/** What an address asks for. @returns {Asked} */
export function read(search) {
  const found = new URLSearchParams(search);
  const [look, find, kind, state, sort] = FIELDS.map((name) => found.get(name) ?? "");
  return {
    look: look === "rows" ? look : "",
    find,
    kind: Object.hasOwn(KINDS, kind) ? kind : "",
    state: Object.hasOwn(STATES, state) ? state : "",
    sort: Object.hasOwn(COLUMNS, sortedBy(sort).column) ? sort : "",
  };
}

/** The search part of an address that asks for it, with all that it says besides. @param {Asked} asked */
export function write(search, asked) {
  const found = new URLSearchParams(search);
  for (const name of FIELDS) {
    if (asked[name]) found.set(name, asked[name]);
    else found.delete(name);
  }
  const text = found.toString();
  return text && `?${text}`;
}

export function isActive({ state, deleted }) {
  return ACTIVE.includes(state) && deleted === null;
}

/** The filter that a run falls under. */
export function stateOf(run) {
  return run.deleted !== null ? "deleted" : isActive(run) ? "active" : run.state;
}

/** Whether every word stands somewhere in what a run is known by. @param {LibraryRun} run @param {string} find */
export function matches(run, find) {
  const known = [run.name, run.group_name, run.title, run.data, run.id].join("\n").toLowerCase();
  return find.toLowerCase().split(/\s+/).every((word) => known.includes(word));
}

/**
 * The runs that are listed, and how many there would be of each kind and in each state with the rest as it is.
 *
 * Deleted runs are listed where they are asked for alone.
 *
 * @param {LibraryRun[]} runs @param {Asked} asked
 * @returns {{listed: LibraryRun[], kinds: Object<string, number>, states: Object<string, number>}}
 */
export function chosenOf(runs, { find, kind, state }) {
  const found = runs.filter((run) => matches(run, find));
  const isOfState = (run) => (state ? stateOf(run) === state : run.deleted === null);
  const isOfKind = (run) => !kind || run.kind === kind;
  return {
    listed: found.filter((run) => isOfState(run) && isOfKind(run)),
    kinds: counted(found.filter(isOfState), ({ kind }) => kind),
    states: counted(found.filter(isOfKind), stateOf),
  };
}

function counted(runs, keyOf) {
  const counts = {};
  for (const run of runs) counts[keyOf(run)] = (counts[keyOf(run)] ?? 0) + 1;
  return counts;
}

/** @param {string} sort as an address has it */
export function sortedBy(sort) {
  return { column: sort.replace(/^-/, ""), isFalling: sort.startsWith("-") };
}

/** Cards stay in their groups. @param {Asked} asked */
export function isSorted({ look, sort }) {
  return look === "rows" && sort !== "";
}

/** What is sorted by after a heading was pressed: its usual direction, the other one, and not at all. */
export function turned(sort, column) {
  const [first, second] = WORDS.includes(column) ? [column, `-${column}`] : [`-${column}`, column];
  return { [first]: second, [second]: "" }[sort] ?? first;
}

/** The runs in that order; those that have no value come last either way. @param {LibraryRun[]} runs */
export function sorted(runs, sort) {
  const { column, isFalling } = sortedBy(sort);
  const { of } = COLUMNS[column];
  const order = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
  const known = runs.filter((run) => of(run) !== null);
  const rest = runs.filter((run) => of(run) === null);
  return [...known.sort((a, b) => (isFalling ? order(of(b), of(a)) : order(of(a), of(b)))), ...rest];
}

/** The runs of each group, groups in the order of their first ones. @returns {LibraryRun[][]} */
export function byGroup(runs) {
  const groups = new Map();
  for (const run of runs) {
    if (!groups.has(run.group)) groups.set(run.group, []);
    groups.get(run.group).push(run);
  }
  return Array.from(groups.values());
}

/** Address of the Lab with these runs side by side. @param {string[]} ids */
export function labOf(ids) {
  return `lab?runs=${ids.join(".")}`;
}

/** Where a run stands, in words, and what lacks to train it on. @param {LibraryRun} run */
export function stateInWords(run) {
  return [standing(run), run.missing].filter(Boolean).join("; ");
}

function standing(run) {
  const { state, kind, epoch, planned, error } = run;
  const at = epoch === null ? "no epoch yet" : `epoch ${epoch} of ${planned}`;
  if (state === "queued") return epoch === null ? "waits in the queue" : `waits in the queue at ${at}`;
  if (state === "running") return epoch === null ? "gets ready" : `in training, ${at}`;
  if (state === "finished") return `finished, ${plural(planned, "epoch")}`;
  if (state === "failed" || state === "unreadable") {
    const failed = epoch === null ? "failed before its first epoch" : `failed after ${at}`;
    return `${state === "failed" ? failed : "cannot be read"}${error ? `: ${error}` : ""}`;
  }
  if (state === "paused" && kind === "imported" && epoch === 0) return "imported and measured, not trained here";
  return `${state}, ${at}`;
}

/** What it was trained on, in words. @param {LibraryRun} run @param {?number[]} counts of its classes, where known */
export function dataInWords({ data, imbalance }, counts = null) {
  const drawn = counts && factor(Math.max(...counts) / Math.min(...counts));
  const asked = imbalance !== null && `imbalance factor ${factor(imbalance)}`;
  const both = asked && imbalance !== 1 && drawn !== factor(imbalance) ? `${asked} asked for${drawn ? `, ${drawn} drawn` : ""}` : asked;
  return [data, both].filter(Boolean).join(", ");
}

/** Its loss, where its name does not begin with it; "" where that says it. @param {LibraryRun} run */
export function lossInWords({ name, title }) {
  return name.startsWith(title) ? "" : title;
}

/**
 * What tells runs apart that have the same name and data: what of their recipes differs; where that is nothing, when
 * they were made, and at last their ids.
 *
 * @param {LibraryRun[]} runs @returns {Map<string, string>} by their ids; "" where nothing is the same
 */
export function apart(runs) {
  const found = new Map(runs.map(({ id }) => [id, []]));
  const tell = (say) => {
    const card = (run) => [run.name, dataInWords(run), ...found.get(run.id)].join("\n");
    for (const alike of Map.groupBy(runs, card).values()) {
      if (alike.length < 2) continue;
      const sayOf = say(alike);
      for (const run of alike) found.get(run.id).push(...[sayOf(run)].filter(Boolean));
    }
  };
  tell((alike) => {
    const parts = new Map(alike.map((run) => [run, [...new Set((run.recipe ?? "").split(/ · |, /))]]));
    const times = counted(Array.from(parts.values()).flat(), (part) => part);
    return (run) => parts.get(run).filter((part) => times[part] < alike.length).join(", ");
  });
  tell(() => ({ created }) => created > 0 && `made ${dated(created)}`);
  tell(() => ({ id }) => id);
  return new Map(Array.from(found, ([id, words]) => [id, words.join(" · ")]));
}

const WHEN = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }); // slow to make

function dated(seconds) {
  return WHEN.format(1000 * seconds);
}

/** How far apart its classes stand, in words. @param {LibraryRun} run */
export function anglesInWords({ figures: { angle, tail }, space, widest }) {
  if (angle === null) return "";
  const within = tail === null ? "" : `, ${number(tail)}° within the tail`;
  const limit = isBounded({ widest }) ? `, where none exceeds ${widest}°` : "";
  return `${number(angle)}° on average${within}, in ${space} space${limit}`;
}

/** A share in per cent, a half rounded up; as `percent` of app/words.py. @param {?number} share */
export function percent(share) {
  return share === null ? "–" : `${number(Math.round(Number((1000 * share).toFixed(5))) / 10, 1)}\u00a0%`;
}

/** What is said under a group's name where nobody has said more: what on, how many, since when. */
export function groupInWords(runs) {
  const data = new Set(runs.map((run) => dataInWords(run)).filter(Boolean));
  const since = Math.min(...runs.map(({ created }) => created));
  const when = since > 0 && dated(since);
  return [data.size === 1 && [...data][0], plural(runs.length, "run"), when].filter(Boolean).join(" · ");
}
