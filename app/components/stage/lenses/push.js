// Who pushes whom: push against the counterpart's count, between which classes it is, and what each class receives.

import { Chart } from "../plots/chart.js";
import { EVERY_PAIR_UP_TO, heatMapClasses, isUneven } from "../core/classes.js";
import { hexToRgb, mix, rgbToHex } from "../core/colour.js";
import { choice, h, number } from "../core/dom.js";
import { pushFigure, receivedFigure } from "../plots/figures.js";
import { asShares, byFrequency, countEffect, countSlope, groupsOf, kindsOf, tailPushShare } from "../core/geometry.js";
import { oneOf } from "../core/fields.js";
import { HeatMap } from "../plots/heatmap.js";
import { Lens } from "./lens.js";
import { classDots, countLines, extent, fitted, pairDots, percent, pooled, received } from "./pushes.js";

const NAMED = 3; // classes that are named one by one
const QUANTITIES = [["pair_push", "pair push"], ["gradient_mass", "mass"]];
const [DARKEST, LIGHTEST] = [10, 1 / 100]; // of an even share, where the heat map's scale ends
const NO_PUSH = "Cross-entropy alone has no contrastive push.";
const PAIRS = {
  pair_push:
    "Each dot is a pair of classes: how hard they push on each other in the whole loss, against the training images " +
    "of the counterpart; a pair is there twice, once from either side. ",
  gradient_mass:
    "Each dot is a pair of classes: which share of an anchor's repulsion goes to the other class, against that " +
    "class's training images. ",
};
const CLASSES = {
  pair_push:
    "Each dot is a class: how hard it and another one push on each other in the whole loss, the geometric mean over " +
    "the others, against its training images. ",
  gradient_mass:
    "Each dot is a class: which share of an anchor's repulsion goes to it, the geometric mean over the anchors of " +
    "other classes, against its training images. ",
};
const WORDS = {
  pair_push: { axis: "share of all push", scale: "of all push" },
  gradient_mass: { axis: "share of the anchor's push", scale: "of the anchor's push" },
};
const REST =
  "Orange: on the tail; slate: on the head. Thin lines: the count effect alone, for one batch of all images and all " +
  "similarities equal, which even untrained features only come near. Bold: the measured slope. Bars, what each class " +
  "receives: up the push by head (slate), medium and tail (orange), its own class's repulsion included; down, " +
  "hatched, the pull of its own class; mean lengths, which add up here while the forces partly cancel.";
const SAMPLED =
  " Measured on two batches of each epoch, up to eight before training, so it wavers from epoch to epoch. What did " +
  "not push in these batches has no dot and is not in the slope; the share of the tail counts it as none.";

export class Push extends Lens {
  static key = "push";
  static title = "Who pushes whom";
  static fields = {
    quantity: oneOf("pair_push", "gradient_mass"),
  };

  build() {
    this.side.append(h("div", { class: "controls" }, choice(this.stage, "quantity", "", QUANTITIES)));
    this.addColumns((content, run) => new PushColumn(this.stage, content, run));
    this.words = this.side.appendChild(h("p", { class: "key" }));
  }

  options() {
    const trainedHere = this.columns.some(({ run }) => run.about?.switches);
    const dots = this.columns.some(({ part }) => part?.many) ? CLASSES : PAIRS;
    this.words.textContent = dots[this.stage.state.quantity] + REST + (trainedHere ? SAMPLED : "");
    for (const { part } of this.columns) part?.map.setOpen(this.stage.state.blocks.map(Number));
  }

  arrived() {
    const parts = this.columns.map(({ part }) => part).filter(Boolean);
    this.range = widest(parts.map((part) => part.range()));
    this.reach = widest(parts.map((part) => part.reach()));
    this.epoch();
  }

  retheme() {
    super.retheme();
    for (const { part } of this.columns) part?.map.setScales(part.scale()); // its lightest colour is the page's
  }

  epoch() {
    for (const { column, run, part, snapshot } of this.drawn()) {
      if (snapshot.get("pair_push")) part.show(snapshot, this.range, this.reach);
      else column.say(run.about.switches?.contrastive === false ? NO_PUSH : "This run recorded no gradients.");
    }
  }
}

class PushColumn {
  constructor(stage, content, run) {
    Object.assign(this, { stage, run });
    const { told, classes, about } = run;
    const { switches } = about;
    const { names, counts } = pooled(classes);
    this.names = names;
    this.counts = counts;
    this.groups = groupsOf(counts);
    this.classes = { names, counts, order: byFrequency(counts), kinds: kindsOf(counts) };
    this.alone = switches && countEffect(counts, switches);
    const [dots, bars] = ["dots", "bars"].map((name) => h("div", { class: `plot ${name}` }));
    this.summary = h("p", { class: "summary" });
    const map = h("div", { class: "map" });
    this.readout = h("p", { class: "readout" });
    content.append(dots, this.summary, map, this.readout, bars);
    const { plotly } = stage.told;
    this.dots = new Chart(dots, pushFigure(told, stage.told), { plotly });
    this.bars = new Chart(bars, receivedFigure(told, stage.told), { plotly });
    const onHover = (hit) => (this.readout.textContent = hit?.text ?? "");
    const onOpen = (open) => stage.set({ blocks: Array.from(open, String) });
    this.map = new HeatMap(map, { label: `Push between classes, ${told.label}`, onHover, onOpen });
    this.map.setClasses(heatMapClasses(names, counts));
    this.pictures = [this.dots, this.bars, this.map];
  }

  get quantity() {
    return this.stage.state.quantity;
  }

  get many() {
    return this.counts.length > EVERY_PAIR_UP_TO;
  }

  /** What the counts alone predict; null for runs of which the loss is not known. */
  get countsAlone() {
    return this.alone && (this.quantity === "pair_push" ? this.alone.push : this.alone.mass);
  }

  /** The quantity as shares, (K, K), NaN on the diagonal. */
  values(snapshot) {
    const K = this.counts.length;
    const values = snapshot.get(this.quantity);
    if (this.quantity === "pair_push") return asShares(values, K);
    return Float32Array.from(values, (value, i) => (i % K === Math.floor(i / K) ? NaN : value));
  }

  /** Least and greatest value over all epochs, so that the axis stands still. */
  range() {
    const { curves } = this.run;
    const recorded = ["least", "most"].flatMap((end) => curves.finite(`${this.quantity}_${end}`));
    return widest([extent(recorded), ...(this.countsAlone ? [extent(this.countsAlone)] : [])]);
  }

  /** Where the longest bars of all epochs end. */
  reach() {
    const most = (name) => this.run.curves.finite(name).reduce((a, b) => Math.max(a, b), 0);
    return [-most("pull_most"), most("push_most")];
  }

  show(snapshot, range, reach) {
    const values = this.values(snapshot);
    this.dots.show(() => this.drawDots(values, range));
    if (snapshot.get("gradient_norm")) this.bars.show(() => this.drawBars(snapshot, reach));
    this.showSummary(snapshot, values);
    if (this.scaled !== this.quantity) this.map.setScales(this.scale());
    this.scaled = this.quantity;
    this.map.setValues(values.map((value) => (value > 0 ? Math.log10(value) : NaN))); // no push was seen
  }

  drawDots(values, [low, high]) {
    const { classes, counts, countsAlone: alone, many } = this;
    const dots = many ? classDots(values, classes) : pairDots(values, classes);
    const marker = { color: dots.kind.map((kind) => this.stage.told.groups[kind]) };
    const fill = { measured: { ...dots, marker }, fit: fitted(dots, countSlope(values, counts)) };
    if (alone) fill.counts = many ? justXY(classDots(alone, classes)) : countLines(alone, classes);
    const logs = (from, to, room) => [Math.log10(from) - room, Math.log10(to) + room];
    const yaxis = { range: logs(low, high, 0.15), title: { text: WORDS[this.quantity].axis } };
    const xaxis = { range: logs(Math.min(...counts), Math.max(...counts), 0.1) };
    if (!isUneven(counts)) Object.assign(xaxis, { tickvals: [counts[0]], ticktext: [String(counts[0])] });
    return { fill: ({ role }) => fill[role], layout: { xaxis, yaxis } };
  }

  received(snapshot) {
    return received(snapshot.get("gradient_attraction"), snapshot.get("gradient_norm"), this.groups);
  }

  drawBars(snapshot, [below, above]) {
    const { order, names } = this.classes;
    const bars = this.received(snapshot);
    const sorted = (values, sign) => {
      const lengths = order.map((k) => values[k]);
      return { x: order.map((k) => names[k]), y: lengths.map((length) => sign * length), customdata: lengths };
    };
    const fill = ({ role }) => sorted(bars[role], role === "pull" ? -1 : 1);
    return { fill, layout: { yaxis: { range: [1.05 * below, 1.05 * above] } } };
  }

  showSummary(snapshot, values) {
    const { counts, countsAlone: alone } = this;
    const slopeOf = (push) => number(countSlope(push, counts), 2);
    const byCounts = alone ? `, ${slopeOf(alone)} by the counts alone` : "";
    const slope = ["Slope ", h("b", {}, slopeOf(values)), ` measured${byCounts}, 0 if all pushed alike.`];
    const level = [`All classes have ${counts[0]} training images: there is no slope.`];
    this.summary.replaceChildren(...(isUneven(counts) ? slope : level), ...this.tailShare(snapshot.get("pair_push")));
  }

  /** How much of all push is among the tail, as parts of a paragraph. */
  tailShare(push) {
    const K = this.counts.length;
    const { tail } = this.groups;
    if (this.run.classes.bins) return [" Classes are pooled by frequency; the tail's share is not computed."];
    if (tail.length < 2) return [];
    const share = (matrix) => percent(tailPushShare(matrix, K, this.groups));
    const byCounts = this.alone ? `; ${share(this.alone.push)} by the counts alone` : "";
    const even = share(new Float32Array(K * K).fill(1));
    const rest = ` of all pair push${byCounts}, ${even} if all pushed alike.`;
    const listed = tail.length > NAMED ? "" : ` (${tail.map((k) => this.names[k]).join(", ")})`;
    const among = isUneven(this.counts) ? "rarest classes" : `classes shown as tail, no rarer than the others${listed}`;
    return [` Among the ${tail.length} ${among}: `, h("b", {}, share(push)), rest];
  }

  /** Powers of ten around an even share. */
  scale() {
    const K = this.counts.length;
    const even = this.quantity === "pair_push" ? 2 / (K * (K - 1)) : 1 / K;
    const paper = this.map.surface.theme.paperRgb;
    const blue = hexToRgb(this.stage.told.amount);
    const ends = [LIGHTEST, 1, DARKEST].map((factor) => Math.min(0, Math.log10(even * factor)));
    return {
      stops: [[0, rgbToHex(mix(paper, blue, 0.06))], [1, rgbToHex(blue)]],
      low: ends[0],
      high: ends[2],
      ticks: ends.map((end) => [end, percent(10 ** end)]),
      title: `${WORDS[this.quantity].scale}${this.many ? ", geometric mean" : ""}`,
      format: (value) => percent(10 ** value),
    };
  }

}

function justXY({ x, y }) {
  return { x, y };
}

/** The smallest range that holds all of them. */
function widest(ranges) {
  return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
}
