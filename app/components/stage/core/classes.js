// How classes are named and ordered in the stage's pictures.

import { orderOf } from "./geometry.js";

/** The groups by training count, as readers know them: "medium" are classes with 20 to 100 images. */
export const GROUP_TITLES = { head: "head", medium: "middle", tail: "tail" };

export const EVERY_PAIR_UP_TO = 20; // classes; beyond, their distribution is shown, or groups of them

export function classLabels(names, counts) {
  return names.map((name, k) => `${name}, n = ${counts[k]}`);
}

export function isUneven(counts) {
  return new Set(counts).size > 1;
}

/** Who is in a group: by its title, but where all are as frequent by the classes' names. @param {"head" | "tail"} group */
export function whoIn(group, { names, counts, groups }) {
  if (isUneven(counts)) return group;
  const [few, { length }] = [groups[group].map((k) => names[k]), counts];
  return few.length <= 3 && length <= EVERY_PAIR_UP_TO ? new Intl.ListFormat("en-GB").format(few) : `the ${group}’s places`;
}

/** What is to be said beside it. */
export function asFrequent({ counts }) {
  return isUneven(counts) ? "" : " (as frequent as all others)";
}

/** What a heat map is told of its classes: the most frequent first, in three groups where there are many. */
export function heatMapClasses({ names, counts, groups: byName }) {
  const groups = Object.entries(byName).map(([key, group]) => {
    return { key, name: GROUP_TITLES[key], count: group.length };
  });
  return {
    order: Uint32Array.from(orderOf(byName)),
    rowLabels: classLabels(names, counts),
    columnLabels: names,
    groups: names.length > EVERY_PAIR_UP_TO ? groups.filter(({ count }) => count) : [],
  };
}

/** Equal for runs of which a class of one is that of the other: the same names, with the same training counts. */
export function keyOf({ names, counts }) {
  return `${names}/${counts}`;
}
