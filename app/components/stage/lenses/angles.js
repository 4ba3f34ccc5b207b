// Angles between every two classes at the epoch that is shown, as deviation from where they should be.

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
import { ANGLE, degrees, pairsOf } from "./rows.js";
import { Lens } from "./lens.js";
import { area, legendOf, mark } from "./signs.js";

const OF = [["class_means", "class means"], ["prototypes", "prototypes"], ["classifier", "classifier weights"]];
const TARGETS = [["simplex", "regular simplex"], ["predicted", "predicted optimum"]];
const MEANS = "class_means";
const WIDEST = 60; // degrees; where the diagonal's scale ends
const WORDS = {
  simplex: "Each cell is two classes: how far their angle is from that of a [regular simplex]. ",
  predicted: "Each cell is two classes: how far their angle is from that of the [predicted optimum]. ",
};
const DIFFERENCE = "Each cell is two classes: how far their angle is from what it is in the first run. ";
const NOT_THEIRS = "The predicted optimum is of class means; of these none is predicted.";
const SCALE =
  "Angles are uncentred, seen from the origin; orange is too close, blue too far apart, and the scale is the same " +
  "for all runs and epochs.";

export class Angles extends Lens {
  static key = "angles";
  static title = "Angles";
  static fields = {
    target: oneOf("simplex", "predicted"),
    of: oneOf("class_means", "prototypes", "classifier"),
    difference: flag(),
    blocks: someOf("", ..."012345678"), // of the groups of classes, those that are open; who pushes whom has the same
  };

  build() {
    const { stage } = this;
    this.against = toggle(stage, "difference", `difference from ${stage.runs[0]?.told.label}`);
    const choices = [choice(stage, "of", "between", OF), choice(stage, "target", "deviation from", TARGETS)];
    choices.push(this.against);
    this.side.append(h("div", { class: "controls" }, choices));
    this.addColumns((content, run) => new AnglesColumn(stage, content, run, this));
    this.legend = this.picture.appendChild(h("div", { class: "legend" }));
    this.words = this.side.appendChild(h("p", { class: "key" }));
    const [low, high] = [0, -1].map((end) => deviationStops.at(end)[1]);
    const signs = [
      [area(low), "too close"],
      [area(high), "too far apart"],
      [mark("M2 3h12v12z"), `beyond ±${DEVIATION_LIMIT}°`],
      [area("gray"), "diagonal: within-class angle"],
    ];
    this.legend.append(...legendOf(signs));
  }

  options() {
    const { target, difference } = this.stage.state;
    this.against.hidden = this.stage.runs.length < 2 || !this.stage.comparable;
    const words = difference && !this.against.hidden ? DIFFERENCE : WORDS[target];
    tell(this.words, words + SCALE, this.stage.told.glossary);
    for (const { part } of this.columns) part?.map.setOpen(this.stage.state.blocks.map(Number));
  }

  epoch() {
    const { of } = this.stage.state;
    for (const { column, run, part, snapshot } of this.drawn()) {
      const has = snapshot.get(of) && run.measures(of);
      const target = has && this.targetOf(column);
      if (!has) column.say(run.measures(of) ? LACKS[of] : NO_PROTOTYPES);
      else if (target) part.show(snapshot, target);
    }
  }

  /** What is subtracted from a run's angles; null where that is not here, which is said. */
  targetOf(column) {
    const { of, target, difference } = this.stage.state;
    const { run } = column;
    const first = this.columns[0].run;
    if (difference && this.stage.comparable && run !== first) {
      const [space, otherSpace] = [run, first].map((one) => (of === "classifier" ? null : one.about.space));
      if (space !== otherSpace) {
        column.say(`These are ${space} features and those of ${first.told.label} ${otherSpace}: not compared.`);
        return null;
      }
      const other = this.stage.look(first).snapshot;
      if (other?.get(of) && first.measures(of)) return { pairs: () => other.angles(of), name: first.told.label };
      if (other) column.say(`${first.told.label} has nothing to compare with.`);
      if (other) return null;
    }
    return target === "simplex" ? simplexOf(run.classes) : this.predictedOf(column);
  }

  predictedOf(column) {
    const { run } = column;
    if (this.stage.state.of !== MEANS) {
      column.say(NOT_THEIRS);
      return null;
    }
    const fault = run.fault("predicted");
    if (fault) column.say(`The predicted optimum cannot be shown. ${fault}`);
    else if (!run.classes.predicted) column.say("No optimum is predicted for this loss.");
    if (fault || !run.classes.predicted) return null;
    this.stage.store.predicted(run);
    const name = "the predicted optimum";
    if (run.predicted) return { pairs: () => run.predicted, name, rms: "distance_to_prediction" };
    column.say("The predicted optimum is on its way.", true);
    return null;
  }

  rows() {
    const { of } = this.stage.state;
    const shown = [...this.drawn()].filter(({ run, part, snapshot }) => {
      return part.map.values && snapshot.get(of) && run.measures(of);
    });
    return shown.flatMap(({ part, snapshot }) => part.rows(snapshot));
  }

  /** The pair under the pointer, in every run. */
  point(hit, from) {
    const pair = hit?.kind === "cell" ? hit : null;
    for (const { part } of this.columns) if (part && part !== from) part.map.highlight(pair);
    for (const { run, part } of this.columns) part?.read(hit, this.stage.look(run).snapshot);
  }
}

const LACKS = {
  class_means: "This run recorded no class means.",
  prototypes: "This run has no prototypes.",
  classifier: "This run has no classifier.",
};

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
    this.blockMetrics = groups.flatMap((row) => groups.map((column) => metricOf(row.name, column.name)));
    this.map.setClasses(this.classes);
    this.pictures = [this.map];
  }

  /**
   * @param {{pairs: () => number | Float32Array, name: string, rms: ?string}} target what is subtracted; `rms` is the
   *   metric that says how far all pairs are from it
   */
  show(snapshot, target) {
    const { of } = this.stage.state;
    const { map, run } = this;
    const within = of === MEANS ? snapshot.get("within_class_angles") : null;
    const { name } = target;
    const isOther = name !== this.name || !within !== this.bare;
    if (isOther) map.setScales(deviationScale(deviationStops, name), within && DIAGONAL);
    Object.assign(this, { name, target, bare: !within });
    const means = map.blocks.grouped && !map.blocks.open.size && this.meansOf(snapshot, target);
    let rms = run.metric(target.rms, snapshot.epoch);
    if (means) map.setMeans(means, within);
    else {
      const [angles, from] = [snapshot.angles(of), target.pairs()];
      map.setValues(deviation(angles, from), within);
      rms = rmsDeviation(angles, run.classes.counts.length, from);
    }
    this.off.replaceChildren("RMS over pairs ", h("b", {}, `${number(rms, 1)}°`), ` from ${name}`);
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
    const isSaid = hit && snapshot && this.run.measures(this.stage.state.of);
    if (!isSaid || Math.max(hit.row, hit.column) >= names.length) return;
    const isPair = hit.kind === "cell" && hit.row !== hit.column;
    const angle = isPair && snapshot.angles(this.stage.state.of)?.[hit.row * names.length + hit.column];
    this.readout.textContent = isPair
      ? `${names[hit.row]} and ${names[hit.column]}: ${number(angle, 1)}°`
      : hit.text;
  }
}

/** The metric of the mean angle between two groups of classes. */
function metricOf(a, b) {
  const order = ["head", "medium", "tail"];
  return `angle_${[a, b].sort((x, y) => order.indexOf(x) - order.indexOf(y)).join("_")}`;
}

function simplexOf({ regular }) {
  return { pairs: () => regular, name: `${number(regular, 1)}°`, rms: "angle_rms_deviation" };
}

const DIAGONAL = {
  stops: [],
  low: 0,
  high: WIDEST,
  ticks: [[0, "0°"], [WIDEST, `≥ ${WIDEST}°`]],
  title: "within-class angle",
  format: (value) => `${number(value, 1)}°`,
};

let deviationStops = [];

/** @param {[number, string][]} stops of the diverging scale, as Python has them */
export function setDeviationStops(stops) {
  deviationStops = stops;
}
