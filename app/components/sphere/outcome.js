// What has come out of two spheres, in a sentence.

import { number } from "../stage/core/dom.js";
import { simplexAngle } from "../stage/core/geometry.js";
import { batchesIn, counted, filled } from "../stage/core/templates.js";
import { ROOM } from "./settings.js";

/** @param {Side[]} sides @param {?number} size of a batch; null: all images @param {Object} words of the language */
export function outcomeInWords(sides, size, words) {
  const { K } = sides[0].simulation;
  return K > ROOM ? roomInWords(sides, K, words) : pairsInWords(sides, size, words);
}

function pairsInWords(sides, size, words) {
  const read = sides.map((side) => side.read(side.dialled));
  const angles = read.map(({ angle }, i) => filled(words.sphere.outcome.angle, { angle: `${number(angle)}°`, loss: sides[i].name }));
  const predicted = read.map((of) => (of.predicted === null ? "–" : `${number(of.predicted, 1)}°`));
  const { rarest, closest, rarest_predicted, closest_predicted } = words.sphere.outcome;
  const [rare, close] = read.every((of) => of.predicted === null) ? [rarest, closest] : [rarest_predicted, closest_predicted];
  return filled(sides[0].isUneven ? rare : close, {
    steps: counted(words.sphere.outcome.steps, sides[0].simulation.time),
    angles: angles.join(words.joining.and),
    batches: batchesIn(words, size),
    predicted: predicted.join(words.joining.and),
  });
}

function roomInWords(sides, K, words) {
  const parts = sides.map(({ name: loss, simulation: { angles } }) => {
    const pairs = Array.from(angles).filter((_, i) => i % K > Math.floor(i / K)).sort((a, b) => a - b);
    const mean = pairs.reduce((sum, angle) => sum + angle, 0) / pairs.length;
    return filled(words.sphere.outcome.grouped, { loss, groups: groupedInWords(pairs, words), mean: `${number(mean, 1)}°` });
  });
  const regular = filled(words.sphere.outcome.room, { angle: `${number(simplexAngle(K), 1)}°` });
  return [...parts, regular].join(words.joining.sentences);
}

/** Angles that are alike, counted; their range where they are of many kinds. @param {number[]} angles ascending */
function groupedInWords(angles, words) {
  const groups = [];
  for (const angle of angles) {
    if (groups.length && angle - groups.at(-1)[0] <= 3) groups.at(-1).push(angle);
    else groups.push([angle]);
  }
  const [least, most] = [angles[0], angles.at(-1)].map((angle) => `${number(angle)}°`);
  if (groups.length > 3) return filled(words.sphere.outcome.range, { n: angles.length, least, most });
  const said = groups.map((group) => counted(words.sphere.outcome.pairs, group.length, { angle: `${number(group[group.length >> 1])}°` }));
  return said.join(words.joining.comma);
}
