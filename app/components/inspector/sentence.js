// The sentence on top: how far apart the rarest classes stand, computed from the epoch that is shown.

import { isUneven } from "./classes.js";
import { h, number, swatch } from "./dom.js";
import { groupsOf, meanWithin, simplexAngle } from "./geometry.js";

const NAMED = 3; // classes that the sentence names one by one
const WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

export class Sentence {
  constructor(app) {
    this.app = app;
    this.root = h("p", { class: "sentence" });
  }

  update() {
    const { app } = this;
    const known = app.runs.filter((run) => app.look(run).snapshot && run.told.classes);
    const text = known.map((run) => `${run.told.id}/${app.look(run).epoch}`).join();
    if (text === this.text) return;
    this.text = text;
    const alike = new Map(); // runs by their classes and counts
    for (const run of known) {
      const { names, counts } = run.told.classes;
      const key = `${names}/${counts}`;
      alike.set(key, [...(alike.get(key) ?? []), run]);
    }
    const groups = [...alike.values()];
    const size = (runs) => runs?.[0].told.classes.counts.length;
    const isSaidLater = (i) => size(groups[i]) === size(groups[i + 1]);
    this.root.replaceChildren(...groups.flatMap((runs, i) => [...this.together(runs, isSaidLater(i)), " "]));
  }

  together(runs, isIdealSaidLater) {
    const { app } = this;
    const { names, counts } = runs[0].told.classes;
    const epochs = runs.map((run) => app.look(run).epoch);
    const same = epochs.every((epoch) => epoch === epochs[0]);
    const meant = meantOf(counts);
    const parts = runs.flatMap((run, i) => {
      const angles = app.look(run).snapshot.angles("class_means");
      const degrees = number(meanWithin(meant, angles, counts.length));
      const when = same ? "" : ` (epoch ${epochs[i]})`;
      const angle = h("strong", { style: `--run: ${run.told.colour}` }, `${degrees}°`);
      return [i ? ", " : " ", angle, i ? " with " : " apart with ", swatch(run.told), ` ${run.told.label}${when}`];
    });
    return [
      `${same ? `At epoch ${epochs[0]} the` : "The"} ${whoStand(meant, names, counts)}`,
      ...parts,
      isIdealSaidLater ? "." : `; all classes equally far apart would be ${number(simplexAngle(counts.length), 1)}°.`,
      ...otherSpaces(runs),
    ];
  }
}

/** The classes that are spoken of: the tail; all, where it is one class, or many that are no rarer than the others. */
function meantOf(counts) {
  const { tail } = groupsOf(counts);
  const isPart = tail.length > 1 && (isUneven(counts) || tail.length <= NAMED);
  return isPart ? tail : Array.from(counts.keys());
}

function whoStand(meant, names, counts) {
  if (meant.length === counts.length) return "classes stand, on average,";
  if (isUneven(counts)) return `${WORDS[meant.length] ?? meant.length} rarest classes stand`;
  const listed = meant.map((k) => names[k]);
  return `classes ${listed.slice(0, -1).join(", ")} and ${listed.at(-1)}, as frequent here as all others, stand`;
}

/** Angles that are not of projections are of other features, and are said to be. */
function otherSpaces(runs) {
  const spaces = new Set(runs.map(({ told }) => told.space).filter((space) => space !== "projection"));
  return Array.from(spaces, (space) => {
    const labels = runs.filter(({ told }) => told.space === space).map(({ told }) => told.label);
    const others = labels.length < runs.length ? ", the others of projections" : "";
    return ` Angles with ${labels.join("; ")} are of ${space} features${others}.`;
  });
}
