// The sentence on top: how far apart the rarest classes stand, as it was measured at the epoch that is shown.

import { isBounded } from "./bounds.js";
import { isUneven, keyOf } from "./classes.js";
import { h, number, swatch } from "./dom.js";
import { meanWithin, rarestOf } from "./geometry.js";

const NAMED = 3; // classes that the sentence names one by one
const WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

export class Sentence {
  constructor(stage) {
    this.stage = stage;
    this.root = h("p", { class: "sentence" });
  }

  update() {
    const { stage } = this;
    const known = stage.runs.filter((run) => run.classes && stage.look(run, false).message === null);
    const text = known.map((run) => `${run.told.id}/${run.age}/${stage.look(run, false).epoch}`).join();
    if (text === this.text) return;
    this.text = text;
    const groups = [...Map.groupBy(known, ({ classes }) => keyOf(classes)).values()];
    const size = (runs) => runs?.[0].classes.counts.length;
    const isSaidLater = (i) => size(groups[i]) === size(groups[i + 1]);
    this.root.replaceChildren(...groups.flatMap((runs, i) => [...this.together(runs, isSaidLater(i)), " "]));
  }

  together(runs, isIdealSaidLater) {
    const { stage } = this;
    const { names, counts, regular } = runs[0].classes;
    const epochs = runs.map((run) => stage.look(run, false).epoch);
    const same = epochs.every((epoch) => epoch === epochs[0]);
    const meant = meantOf(runs[0].classes);
    const parts = runs.flatMap((run, i) => {
      const degrees = number(meanOver(meant, run, epochs[i]));
      const when = same ? "" : ` (epoch ${epochs[i]})`;
      const angle = h("strong", { style: `--run: ${run.told.colour}` }, `${degrees}°`);
      return [i ? ", " : " ", angle, i ? " with " : " apart with ", swatch(run.told), " ", h("bdi", {}, run.told.label), when];
    });
    return [
      `${same ? `At epoch ${epochs[0]} the` : "The"} ${whoStand(meant, names, counts)}`,
      ...parts,
      isIdealSaidLater ? "." : `; all classes equally far apart, as in a regular simplex, would be ${number(regular, 1)}°.`,
      ...otherSpaces(runs),
    ];
  }
}

/** The classes that are spoken of: the rarest; all, where these are many or two that are no rarer than the others. */
function meantOf({ counts, groups }) {
  const rarest = rarestOf(groups);
  const isPart = isUneven(counts) || (rarest === groups.tail && rarest.length <= NAMED);
  return isPart && rarest.length < counts.length ? rarest : Array.from(counts.keys());
}

/** Mean angle over the pairs of these classes, in degrees; null where nothing tells. */
function meanOver(meant, run, epoch) {
  const { counts: { length: K }, groups } = run.classes;
  const name = meant.length === K ? "angle_mean" : "angle_tail_tail";
  const recorded = meant.length === K || groups.tail.length > 1 ? run.metric(name, epoch) : null;
  if (recorded !== null) return recorded;
  const angles = run.angles(epoch);
  return angles && meanWithin(meant, angles, K);
}

function whoStand(meant, names, counts) {
  if (meant.length === counts.length) return "classes stand, on average,";
  if (isUneven(counts)) return `${WORDS[meant.length] ?? meant.length} rarest classes stand`;
  const listed = new Intl.ListFormat("en-GB").format(meant.map((k) => names[k]));
  return `classes ${listed}, as frequent here as all others, stand`;
}

/** Angles that are not of projections are of other features, and are said to be. */
function otherSpaces(runs) {
  const spaces = new Set(runs.map(({ about }) => about.space).filter((space) => space !== "projection"));
  return Array.from(spaces, (space) => {
    const theirs = runs.filter(({ about }) => about.space === space);
    const labels = theirs.map(({ told }) => told.label);
    const [{ about }] = theirs;
    const bound = theirs.every(({ about }) => isBounded(about)) ? `, which are not negative: none exceeds ${about.widest}°` : "";
    const others = labels.length < runs.length ? `${bound ? ". The others are" : ", the others"} of projections` : "";
    return ` Angles with ${labels.join("; ")} are of ${space} features${bound}${others}.`;
  });
}
