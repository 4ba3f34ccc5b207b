// Angles between every two classes at the epoch that is shown, as deviation from where they should be.

import { boundInWords, isBounded } from "../core/bounds.js";
import { Blocks } from "../plots/blocks.js";
import { DEVIATION_LIMIT } from "../core/colour.js";
import { heatMapClasses } from "../core/classes.js";
import { choice, h, number, toggle } from "../core/dom.js";
import { deviation, rmsDeviation } from "../core/geometry.js";
import { flag, oneOf, someOf } from "../core/fields.js";
import { deviationScale } from "../plots/deviation.js";
import { HeatMap } from "../plots/heatmap.js";
import { tell } from "../core/glossary.js";
import { NO_PROTOTYPES } from "../core/run.js";
import { optimumFor, optimumOf, batchesOf, termOf } from "../core/words.js";
import { ANGLE, Lens, degrees, pairsOf } from "./lens.js";
import { area, legendOf, mark } from "./signs.js";

const MEANS = "class_means";
const OF = [[MEANS, "class means"], ["prototypes", "prototypes"], ["classifier", "classifier weights"]];
const TARGETS = ["simplex", "predicted"];
const WIDEST = 60; // degrees; where the diagonal's scale ends
const FROM = {
  simplex: () => "that of a [regular simplex]",
  predicted: (optimum, term) => `that of the [${optimum}|${term}]`,
  difference: () => "what it is in the first run",
};
const NOT_OF_WEIGHTS = "Nothing is predicted of classifier weights, whatever the batch: a prediction leaves cross-entropy out.";
const NO_CELLS =
  "Against what is predicted for a run's batches its class means alone are drawn. Choose these, or the deviation from the " +
  "[regular simplex].";
const SCALE =
  "Angles are uncentred, seen from the origin; red is too close, blue too far apart, and the scale is the same " +
  "for all runs and epochs.";
const LACKS = {
  class_means: "This run recorded no class means.",
  prototypes: "This run has no prototypes.",
  classifier: "This run has no classifier.",
};
const MEASURED = { prototypes: "prototype_angle", classifier: "classifier_angle" }; // where a run has them
const LEFT_OUT = "With as many classes as these, they are too large to be kept of every epoch.";
const DIAGONAL = {
  stops: [],
  low: 0,
  high: WIDEST,
  ticks: [[0, "0°"], [WIDEST, `≥ ${WIDEST}°`]],
  title: "within-class angle",
  format: (value) => `${number(value, 1)}°`,
};

/** What is known of prototypes at an optimum. @param {Predicted} predicted */
function prototypesOf(predicted) {
  const optimum = optimumFor(predicted);
  if (predicted.prototypes === null) return `The ${optimum} says nothing of prototypes.`;
  return `At the ${optimum} prototypes of the tail are ${number(predicted.prototypes, 1)}° apart on average; pair by pair they are not drawn.`;
}

/** Why a view does not hold these. */
export function lackOf({ metrics }, of) {
  return Number.isFinite(metrics[MEASURED[of]]) ? LEFT_OUT : LACKS[of];
}

export class Angles extends Lens {
  static key = "angles";
  static title = "Angles";
  static proof = "theory#5-the-metrics";
  static fields = {
    target: oneOf(...TARGETS),
    of: oneOf(...OF.map(([of]) => of)),
    difference: flag(),
    blocks: someOf("", ..."012345678"), // of the groups of classes, those that are open; who pushes whom has the same
  };

  build() {
    const { stage } = this;
    const targets = [["simplex", "regular simplex"], ["predicted", optimumOf(stage.runs).replace("optimum ", "")]];
    this.against = toggle(stage, "difference", `difference from ${stage.runs[0]?.told.label}`);
    this.of = choice(stage, "of", "between", OF);
    this.offer(this.of, choice(stage, "target", "deviation from", targets), this.against);
    this.addColumns((content, run) => new AnglesColumn(stage, content, run, this));
    const stops = stage.told.deviation;
    const signs = [
      [area(stops[0][1]), "too close"],
      [area(stops.at(-1)[1]), "too far apart"],
      [mark("M2 3h12v12z"), `beyond ±${DEVIATION_LIMIT}°`],
      [area("gray"), "diagonal: within-class angle"],
    ];
    this.legend.append(...legendOf(signs));
  }

  options() {
    const { state, runs, comparable, told } = this.stage;
    this.offerVectors();
    this.against.hidden = runs.length < 2 || !comparable;
    const target = state.difference && !this.against.hidden ? "difference" : state.target;
    const from = FROM[target](optimumOf(runs), termOf(runs));
    const cells = `Each cell is two classes: how far their angle is from ${from}. ${SCALE}`;
    tell(this.words, target === "predicted" && state.of !== MEANS ? NO_CELLS : cells, told.glossary);
    for (const { map } of this.parts) map.setOpen(state.blocks.map(Number));
  }

  arrived() {
    this.offerVectors();
  }

  /** Leave out what no run has, unless it is chosen. */
  offerVectors() {
    const { runs, state } = this.stage;
    OF.forEach(([of], i) => {
      this.of.children[i + 1].hidden = of !== state.of && !runs.some((run) => run.mayHave(of)); // after the legend
    });
  }

  epoch() {
    const { of } = this.stage.state;
    for (const { column, run, part, snapshot } of this.drawn()) {
      const has = snapshot.get(of) && run.measures(of);
      const target = has ? this.targetOf(run) : { lack: run.measures(of) ? lackOf(snapshot, of) : NO_PROTOTYPES };
      if (target.lack) column.say(target.lack, target.waiting);
      else part.show(snapshot, target);
    }
  }

  /** What is subtracted from a run's angles, or why that is not here, in `lack`. */
  targetOf(run) {
    const { of, target, difference } = this.stage.state;
    const first = this.columns[0].run;
    if (difference && this.stage.comparable && run !== first) {
      const [space, otherSpace] = [run, first].map((one) => (of === "classifier" ? null : one.about.space));
      const { label } = first.told;
      const lack = `These are ${space} features and those of ${label} ${otherSpace}: not compared.`;
      if (space !== otherSpace) return { lack };
      const other = this.stage.look(first).snapshot;
      const words = `RMS difference to ${label}`;
      if (other?.get(of) && first.measures(of)) return { pairs: () => other.angles(of), name: label, words };
      if (other) return { lack: `${label} has nothing to compare with.` };
    }
    if (target === "predicted") return this.predictedOf(run);
    const { regular } = run.classes;
    const bound = of === MEANS && isBounded(run.about) ? `: ${boundInWords(run.about, regular)}` : "";
    const rms = "angle_rms_deviation";
    return { pairs: () => regular, name: `${number(regular, 1)}°`, rms, words: this.stage.told.metrics[rms].title, bound };
  }

  predictedOf(run) {
    const fault = run.fault("predicted");
    const { of } = this.stage.state;
    if (of === "classifier") return { lack: NOT_OF_WEIGHTS };
    if (fault) return { lack: `What is predicted for its batches cannot be shown. ${fault}` };
    if (run.unpredicted) return { lack: run.unpredicted };
    if (of === "prototypes") return { lack: prototypesOf(run.classes.predicted) };
    this.stage.store.predicted(run);
    const optimum = optimumFor(run.classes.predicted);
    if (!run.predicted) return { lack: `The ${optimum} is on its way.`, waiting: true };
    const words = `RMS difference to the ${optimum}`;
    const scale = `predicted, ${batchesOf(run.classes.predicted)}`; // which has little room
    return { pairs: () => run.predicted, name: `the ${optimum}`, scale, rms: "distance_to_prediction", words };
  }

  point(hit, from) {
    const pair = hit?.kind === "cell" ? hit : null;
    for (const part of this.parts) if (part !== from) part.map.highlight(pair);
    for (const part of this.parts) part.read(hit, this.stage.look(part.run).snapshot);
  }
}

class AnglesColumn {
  constructor(stage, content, run, panel) {
    Object.assign(this, { stage, run });
    const host = h("div", { class: "map" });
    this.off = h("p", { class: "summary" });
    this.readout = h("p", { class: "readout" });
    content.append(host, this.readout, this.off);
    const onHover = (hit) => panel.point(hit, this);
    const onOpen = (open) => stage.set({ blocks: Array.from(open, String) });
    this.map = new HeatMap(host, { label: `Angles between classes, ${run.told.label}`, onHover, onOpen });
    const { groups } = (this.classes = heatMapClasses(run.classes));
    // They are named from head to tail, which is from a to z.
    const metric = (...pair) => `angle_${pair.map(({ key }) => key).sort().join("_")}`;
    this.blockMetrics = groups.flatMap((row) => groups.map((column) => metric(row, column)));
    this.map.setClasses(this.classes);
    this.pictures = [this.map];
  }

  /**
   * @param {{pairs: () => number | Float32Array, name: string, scale: ?string, rms: ?string, words: string, bound: ?string}} target
   *   `scale`: the name where there is little room; `rms`: a metric of all pairs, which `words` name; `bound`: why it cannot be 0
   */
  show(snapshot, target) {
    const { of } = this.stage.state;
    const { map, run } = this;
    const within = of === MEANS ? snapshot.get("within_class_angles") : null;
    const { name, scale = name, words, bound = "" } = target;
    const isOther = name !== this.name || !within !== this.bare;
    if (isOther) map.setScales(deviationScale(this.stage.told.deviation, scale), within && DIAGONAL);
    Object.assign(this, { name, target, bare: !within });
    const means = map.blocks.grouped && !map.blocks.open.size && this.meansOf(snapshot, target);
    let rms = run.metric(target.rms, snapshot.epoch);
    if (means) map.setMeans(means, within);
    else {
      const [angles, from] = [snapshot.angles(of), target.pairs()];
      map.setValues(deviation(angles, from), within);
      rms = rmsDeviation(angles, run.classes.counts.length, from);
    }
    this.off.replaceChildren(`${words} `, h("b", {}, `${number(rms, 1)}°`), bound);
  }

  /** What blocks of classes deviate by on average, as far as that was measured: many pairs take their time. */
  meansOf({ epoch }, { pairs, rms }) {
    if (this.stage.state.of !== MEANS || !rms || this.run.metric(rms, epoch) === null) return null;
    const measured = this.blockMetrics.map((name) => this.run.metric(name, epoch));
    if (measured.includes(null)) return null;
    const target = pairs();
    if (typeof target === "number") return measured.map((angle) => angle - target);
    if (target !== this.subtracted?.target) {
      const blocks = new Blocks(this.classes.groups);
      blocks.setMeans(this.classes.order, target);
      this.subtracted = { target, means: blocks.means };
    }
    return measured.map((angle, block) => angle - this.subtracted.means[block]);
  }

  rows(snapshot) {
    const { of } = this.stage.state;
    const { names } = this.run.classes;
    if (!this.map.values || !snapshot.get(of) || !this.run.measures(of)) return [];
    const measured = snapshot.angles(of);
    const { pairs: drawn, diagonal } = this.map.values;
    const deviations = drawn ?? deviation(measured, this.target.pairs());
    const row = (what, a, b, angle, off) => ({
      run: this.run.told.label,
      epoch: snapshot.epoch,
      what,
      class: a,
      "other class": b,
      [ANGLE]: degrees(angle),
      "deviation (degrees)": degrees(off),
      "deviation from": off === null ? "" : this.name,
    });
    const between = ([i, j]) => {
      const at = i * names.length + j;
      return row(of, names[i], names[j], measured[at], deviations[at]);
    };
    const within = Array.from(diagonal, (angle, i) => row("within-class angle", names[i], "", angle, null));
    return [...pairsOf(names.length).map(between), ...within];
  }

  read(hit, snapshot) {
    const { names } = this.run.classes;
    this.readout.textContent = "";
    const { of } = this.stage.state;
    if (!hit || !snapshot || !this.run.measures(of) || Math.max(hit.row, hit.column) >= names.length) return;
    this.readout.textContent = hit.text;
    if (hit.kind === "block" || hit.row === hit.column) return;
    const angle = snapshot.angles(of)?.[hit.row * names.length + hit.column];
    this.readout.textContent = `${names[hit.row]} and ${names[hit.column]}: ${number(angle, 1)}°`;
  }
}
