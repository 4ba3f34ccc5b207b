// The sentence on top: how far apart the rarest classes stand, computed from the epoch that is shown.

import { h, number, swatch } from "./dom.js";
import { groupMeans, groupsOf, simplexAngle } from "./geometry.js";

const WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

export class Sentence {
  constructor(app) {
    this.app = app;
    this.root = h("p", { class: "sentence" });
  }

  update() {
    const { app } = this;
    const known = app.runs.filter((run) => app.look(run).snapshot && run.told.classes);
    const text = known.map((run) => app.look(run).snapshot.epoch).join() + app.comparable + known.map((run) => run.told.id);
    if (text === this.text) return;
    this.text = text;
    if (!known.length) this.root.replaceChildren();
    else if (app.comparable) this.root.replaceChildren(...this.together(known));
    else this.root.replaceChildren(...known.flatMap((run, i) => [i ? " " : "", ...this.together([run])]));
  }

  together(runs) {
    const { app } = this;
    const { counts } = runs[0].told.classes;
    const epochs = runs.map((run) => app.look(run).epoch);
    const same = epochs.every((epoch) => epoch === epochs[0]);
    const { tail } = groupsOf(counts);
    const parts = runs.flatMap((run, i) => {
      const degrees = number(apart(app.look(run).snapshot, counts));
      const when = same ? "" : ` (epoch ${epochs[i]})`;
      const angle = h("strong", { style: `--run: ${run.told.colour}` }, `${degrees}°`);
      return [i ? ", " : " ", angle, i ? " with " : " apart with ", swatch(run.told), ` ${run.told.label}${when}`];
    });
    const who = tail.length > 1 ? `${WORDS[tail.length] ?? tail.length} rarest classes stand` : "classes stand, on average,";
    return [
      `${same ? `At epoch ${epochs[0]} the` : "The"} ${who}`,
      ...parts,
      `; all classes equally far apart would be ${number(simplexAngle(counts.length), 1)}°.`,
    ];
  }
}

/** Mean angle between two classes of the tail, or between any two where the tail is one class. */
function apart(snapshot, counts) {
  const angles = snapshot.angles("class_means");
  const groups = groupsOf(counts);
  if (groups.tail.length > 1) return groupMeans(angles, counts.length, groups).tailTail;
  return groupMeans(angles, counts.length, { head: [], tail: Array.from(counts.keys()) }).tailTail;
}
