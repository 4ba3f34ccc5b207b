// The sentence on top: how far apart the rarest classes stand, as it was measured at the epoch that is shown.

import { isUneven, keyOf } from "./classes.js";
import { h, number, swatch } from "./dom.js";
import { meanWithin } from "./geometry.js";

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
    const { names, counts, regular, groups: { tail } } = runs[0].classes;
    const epochs = runs.map((run) => stage.look(run, false).epoch);
    const same = epochs.every((epoch) => epoch === epochs[0]);
    // Spoken of is the tail; or all, where it is one class, or many that are no rarer than the others.
    const isPart = tail.length > 1 && (isUneven(counts) || tail.length <= NAMED);
    const meant = isPart ? tail : [...counts.keys()];
    const parts = runs.flatMap((run, i) => {
      const degrees = number(meanOver(meant, run, epochs[i]));
      const when = same ? "" : ` (epoch ${epochs[i]})`;
      const angle = h("strong", { style: `--run: ${run.told.colour}` }, `${degrees}°`);
      return [i ? ", " : " ", angle, i ? " with " : " apart with ", swatch(run.told), ` ${run.told.label}${when}`];
    });
    return [
      `${same ? `At epoch ${epochs[0]} the` : "The"} ${whoStand(meant, names, counts)}`,
      ...parts,
      isIdealSaidLater ? "." : `; all classes equally far apart would be ${number(regular, 1)}°.`,
      ...otherSpaces(runs),
    ];
  }
}

/** Mean angle over the pairs of the tail, or of all classes, in degrees; null where nothing tells. */
function meanOver(meant, run, epoch) {
  const { length: K } = run.classes.counts;
  const recorded = run.metric(meant.length < K ? "angle_tail_tail" : "angle_mean", epoch);
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
    const labels = runs.filter(({ about }) => about.space === space).map(({ told }) => told.label);
    const others = labels.length < runs.length ? ", the others of projections" : "";
    return ` Angles with ${labels.join("; ")} are of ${space} features${others}.`;
  });
}
