// Angles between every two classes at the epoch that is shown, as deviation from where they should be.

import { DEVIATION_LIMIT } from "./colour.js";
import { heatMapClasses } from "./classes.js";
import { choice, h, number, toggle } from "./dom.js";
import { deviation, rmsDeviation, simplexAngle } from "./geometry.js";
import { HeatMap } from "./heatmap.js";
import { Panel } from "./panel.js";

const OF = [["class_means", "class means"], ["prototypes", "prototypes"], ["classifier", "classifier weights"]];
const TARGETS = [["simplex", "regular simplex"], ["predicted", "predicted optimum"]];
const WIDEST = 60; // degrees; where the diagonal's scale ends
const TICKS = [[-DEVIATION_LIMIT, "−45°"], [0, "0°"], [DEVIATION_LIMIT, "+45°"]];
const KEY =
  "Orange is too close, blue too far apart; the scale ends at ±45° for all runs and epochs, and a corner marks what " +
  "lies beyond. Diagonal: within-class angle.";

export class Angles extends Panel {
  constructor(app) {
    super(app, "angles", "Angles");
  }

  build() {
    const { app } = this;
    this.against = toggle(app, "difference", `difference from ${app.runs[0]?.told.label}`);
    const choices = [choice(app, "of", "between", OF), choice(app, "target", "deviation from", TARGETS), this.against];
    this.body.append(h("div", { class: "controls" }, choices));
    this.addColumns((content, run) => new AnglesColumn(app, content, run, this));
    this.body.append(h("p", { class: "key" }, KEY));
  }

  options() {
    this.against.hidden = this.app.runs.length < 2 || !this.app.comparable;
    for (const { part } of this.columns) part?.map.setOpen(this.app.state.blocks.map(Number));
  }

  epoch() {
    const { of, target, difference } = this.app.state;
    const [first] = this.columns;
    for (const { column, run, part, snapshot } of this.drawn()) {
      const angles = snapshot.angles(of);
      const other = difference && this.app.comparable && run !== first.run ? this.app.look(first.run).snapshot : null;
      const K = run.told.classes.counts.length;
      if (!angles) column.say(LACKS[of]);
      else if (other && !other.angles(of)) column.say(`${first.run.told.label} has nothing to compare with.`);
      else if (other) part.show(angles, snapshot, { from: other.angles(of), name: first.run.told.label });
      else if (target === "simplex") part.show(angles, snapshot, simplexOf(K));
      else if (run.predicted) part.show(angles, snapshot, { from: run.predicted, name: "the predicted optimum" });
      else column.say("No optimum is predicted for this loss.");
    }
  }

  /** The pair under the pointer, in every run. */
  point(hit, from) {
    const pair = hit?.kind === "cell" ? hit : null;
    for (const { part } of this.columns) if (part && part !== from) part.map.highlight(pair);
    for (const { run, part } of this.columns) part?.read(hit, this.app.look(run).snapshot?.angles(this.app.state.of));
  }
}

const LACKS = {
  class_means: "This run recorded no class means.",
  prototypes: "This run has no prototypes.",
  classifier: "This run has no classifier.",
};

class AnglesColumn {
  constructor(app, content, run, panel) {
    Object.assign(this, { app, run });
    const { names, counts } = run.told.classes;
    const host = h("div", { class: "map" });
    this.off = h("p", { class: "summary" });
    this.readout = h("p", { class: "readout" });
    content.append(this.off, host, this.readout);
    const onHover = (hit) => panel.point(hit, this);
    const onOpen = (open) => app.set({ blocks: Array.from(open, String) });
    this.map = new HeatMap(host, { label: `Angles between classes, ${run.told.label}`, onHover, onOpen });
    this.map.setClasses(heatMapClasses(names, counts));
    this.pictures = [this.map];
  }

  /** @param {{from: number | Float32Array, name: string}} target what is subtracted */
  show(angles, snapshot, { from, name }) {
    const within = this.app.state.of === "class_means" ? snapshot.get("within_class_angles") : null;
    if (name !== this.name || !within !== this.bare) this.map.setScales(scaleOf(name), within && DIAGONAL);
    Object.assign(this, { name, bare: !within });
    const differences = deviation(angles, from);
    this.map.setValues(differences, within);
    const rms = rmsDeviation(angles, this.run.told.classes.counts.length, from);
    this.off.replaceChildren("RMS over pairs ", h("b", {}, `${number(rms, 1)}°`), ` from ${name}`);
  }

  read(hit, angles) {
    const { names } = this.run.told.classes;
    this.readout.textContent = "";
    if (!hit || !angles || Math.max(hit.row, hit.column) >= names.length) return;
    const angle = number(angles[hit.row * names.length + hit.column], 1);
    const isPair = hit.kind === "cell" && hit.row !== hit.column;
    this.readout.textContent = isPair ? `${names[hit.row]} and ${names[hit.column]}: ${angle}°` : hit.text;
  }
}

function simplexOf(K) {
  return { from: simplexAngle(K), name: `${number(simplexAngle(K), 1)}°` };
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

function scaleOf(name) {
  const format = (value) => `${value >= 0.05 ? "+" : ""}${number(value, 1)}°`;
  const [low, high] = [-DEVIATION_LIMIT, DEVIATION_LIMIT];
  return { stops: deviationStops, low, high, ticks: TICKS, title: `from ${name}`, format };
}
