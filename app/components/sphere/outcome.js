// What has come out of two spheres, in a sentence.

import { number } from "../stage/core/dom.js";
import { simplexAngle } from "../stage/core/geometry.js";
import { batches, plural } from "../stage/core/words.js";
import { ROOM } from "./settings.js";

/** @param {Side[]} sides @param {?number} size of a batch; null: all images */
export function outcomeInWords(sides, size) {
  const { K } = sides[0].simulation;
  return K > ROOM ? roomInWords(sides, K) : pairsInWords(sides, size);
}

function pairsInWords(sides, size) {
  const read = sides.map((side) => side.read(side.dialled));
  const angles = read.map(({ angle }, i) => `${number(angle)}° under ${sides[i].name}`);
  const which = sides[0].isUneven ? "rarest" : "closest";
  const steps = plural(sides[0].simulation.time, "step");
  const said = `After ${steps} the two ${which} classes stand apart by ${angles.join(" and ")}`;
  if (read.every(({ predicted }) => predicted === null)) return `${said}.`;
  const predicted = read.map((of) => (of.predicted === null ? "–" : `${number(of.predicted, 1)}°`));
  return `${said}; predicted for ${batches(size)}: ${predicted.join(" and ")}.`;
}

function roomInWords(sides, K) {
  const parts = sides.map(({ name, simulation: { angles } }) => {
    const pairs = Array.from(angles).filter((_, i) => i % K > Math.floor(i / K)).sort((a, b) => a - b);
    const mean = pairs.reduce((sum, angle) => sum + angle, 0) / pairs.length;
    return `${name}: ${groupedInWords(pairs)}, ${number(mean, 1)}° on average.`;
  });
  const regular = number(simplexAngle(K), 1);
  return `${parts.join(" ")} In a regular simplex all are ${regular}°: a mean angle alone proves nothing.`;
}

/** Angles that are alike, counted; their range where they are of many kinds. @param {number[]} angles ascending */
function groupedInWords(angles) {
  const groups = [];
  for (const angle of angles) {
    if (groups.length && angle - groups.at(-1)[0] <= 3) groups.at(-1).push(angle);
    else groups.push([angle]);
  }
  if (groups.length > 3) return `${angles.length} pairs from ${number(angles[0])}° to ${number(angles.at(-1))}°`;
  const said = groups.map((group) => `${plural(group.length, "pair")} at ${number(group[group.length >> 1])}°`);
  return said.join(", ");
}
