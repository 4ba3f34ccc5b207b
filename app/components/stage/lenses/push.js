// Who pushes whom: push against the counterpart's count, between which classes it is, and what each class receives.

import { Chart } from "../plots/chart.js";
import { EVERY_PAIR_UP_TO, heatMapClasses, isUneven } from "../core/classes.js";
import { hexToRgb, mix, rgbToHex } from "../core/colour.js";
import { choice, h, number } from "../core/dom.js";
import { pushFigure, receivedFigure, ticksOf, wrapped } from "../plots/figures.js";
import { asShares, countEffect, countSlope, kindsOf, orderOf, tailPushShare } from "../core/geometry.js";
import { oneOf } from "../core/fields.js";
import { tell } from "../core/glossary.js";
import { batches } from "../core/words.js";
import { escaped } from "../export/words.js";
import { HeatMap } from "../plots/heatmap.js";
import { Lens, significant } from "./lens.js";
import { area, dot, legendOf, line, striped } from "./signs.js";
import {
  classDots,
  countLines,
  extent,
  fitted,
  hasWeights,
  pairDots,
  percent,
  pooled,
  received,
  whyNoPush,
} from "./pushes.js";

const NAMED = 3; // classes that are named one by one
const QUANTITIES = [["pair_push", "pair push"], ["gradient_mass", "mass"]];
const NARROW = 320; // pixels that a chart's ticks stand close in
const FEW_TICKS = ticksOf(1, 3);
const [DARKEST, LIGHTEST] = [10, 1 / 100]; // of an even share, where the heat map's scale ends
const PICTURES = [["dots", "against counts"], ["map", "between classes"], ["bars", "received"]];
const WHOLE = { pair_push: "all push", gradient_mass: "the anchor's push" }; // that the quantities are shares of
const DOTS = {
  pair_push: {
    pairs:
      "Each dot is a pair of classes, there twice, once from either side: their [pair push] against the training " +
      "images of the counterpart. ",
    classes:
      "Each dot is a class: its [pair push] with another one, the geometric mean over the others, against its training " +
      "images. ",
  },
  gradient_mass: {
    pairs:
      "Each dot is a pair of classes: the other class's [mass] at an [anchor], against that class's training images. ",
    classes:
      "Each dot is a class: its [mass] at an [anchor], the geometric mean over the anchors of other classes, against " +
      "its training images. ",
  },
};
const SLOPE =
  "Thin lines: what the counts alone would do in one batch of everything, all similarities equal, which even untrained " +
  "features only come near; what is measured is of the run's own batches, in which rare classes are often absent. Bold: " +
  "the measured slope, 0 if all pushed equally. ";
const MAP = {
  pair_push: "The [pair push] of every two classes, as a share of all of it. ",
  gradient_mass: "The [mass] of each class (column) at [anchors|anchor] of each other one (row). ",
};
const BARS =
  "What each class receives, as mean lengths of the gradient: up the push by [head], [middle] and [tail], its own class's " +
  "repulsion included; down the pull of its own class. The lengths add up here, while the forces partly cancel. ";
const SAMPLED = "Measured on two batches of each epoch, up to eight before training, so it wavers from epoch to epoch. ";
const UNSEEN = {
  dots: "What did not push in these has no dot and is not in the slope; the share of the tail counts it as none. ",
  map: "What did not push in these is hatched. ",
  bars: "A class that was in none of them has no bars. ",
};

export class Push extends Lens {
  static key = "push";
  static title = "Who pushes whom";
  static proof = "theory#2-who-pushes-whom";
  static fields = {
    quantity: oneOf(...QUANTITIES.map(([quantity]) => quantity)),
    pushes: oneOf(...PICTURES.map(([picture]) => picture)), // the picture that is shown where this lens is alone
  };

  build() {
    const { stage } = this;
    const pictures = choice(stage, "pushes", "", PICTURES);
    pictures.classList.add("pictures");
    this.offer(pictures, choice(stage, "quantity", "", QUANTITIES));
    this.addColumns((content, run) => new PushColumn(stage, content, run));
  }

  get seen() {
    const { lens, pushes } = this.stage.state;
    return lens === this.key ? [pushes] : PICTURES.map(([picture]) => picture);
  }

  options() {
    const { stage, seen, parts } = this;
    const { quantity, pushes, blocks } = stage.state;
    this.root.dataset.pushes = pushes;
    const trainedHere = this.columns.some(({ run }) => run.about?.switches);
    const dots = DOTS[quantity][parts.some(({ many }) => many) ? "classes" : "pairs"] + SLOPE;
    const words = { dots, map: MAP[quantity], bars: BARS };
    const said = seen.map((picture) => words[picture]);
    if (trainedHere) said.push(SAMPLED, ...seen.map((picture) => UNSEEN[picture]));
    tell(this.words, said.join("").trim(), stage.told.glossary);
    this.legend.replaceChildren(...legendOf(seen.flatMap((picture) => this.signs()[picture])));
    for (const { map } of parts) map.setOpen(blocks.map(Number));
  }

  signs() {
    const { groups, neutral } = this.stage.told;
    return {
      dots: [
        [dot(groups.tail), "on the tail"],
        [dot(groups.head), "on the head"],
        [dot(groups.medium), "on the middle"],
        [line(neutral, 1, { opacity: 0.7 }), `counts alone, ${batches(null)}`],
        [line("currentColor", 3), "measured slope"],
      ],
      map: [],
      bars: [
        [area(groups.head), "push by the head"],
        [area(groups.medium), "by the middle"],
        [area(groups.tail), "by the tail"],
        [striped(neutral), "pull of its own class"],
      ],
    };
  }

  arrived() {
    this.range = widest(this.parts.map((part) => part.range()));
    this.reach = widest(this.parts.map((part) => part.reach()));
    this.epoch();
  }

  retheme() {
    super.retheme();
    for (const part of this.parts) part.map.setScales(part.scale()); // its lightest colour is the page's
  }

  epoch() {
    for (const { column, run, part, snapshot } of this.drawn()) {
      if (snapshot.get("pair_push")) part.show(snapshot, this.range, this.reach);
      else column.say(whyNoPush(run.about.switches));
    }
  }
}

class PushColumn {
  constructor(stage, content, run) {
    Object.assign(this, { stage, run });
    const { told, about: { switches } } = run;
    const { names, counts, groups } = pooled(run.classes);
    Object.assign(this, { names, counts, groups });
    this.classes = { names, counts, groups, order: orderOf(groups), kinds: kindsOf(groups) };
    this.many = counts.length > EVERY_PAIR_UP_TO;
    this.alone = hasWeights(switches) ? countEffect(counts, switches) : null;
    const [dots, bars] = ["dots", "bars"].map((name) => h("div", { class: `plot ${name}` }));
    const map = h("div", { class: "map" });
    this.slope = h("span", { class: "slope" });
    this.share = h("span");
    this.readout = h("p", { class: "readout" });
    content.append(dots, map, bars, this.readout, h("p", { class: "summary" }, this.slope, this.share));
    this.dots = new Chart(dots, pushFigure(told, stage.told), stage.told);
    this.bars = new Chart(bars, receivedFigure(told, stage.told), stage.told);
    const onHover = (hit) => (this.readout.textContent = hit?.text ?? "");
    const onOpen = (open) => stage.set({ blocks: Array.from(open, String) });
    this.map = new HeatMap(map, { label: `Push between classes, ${told.label}`, onHover, onOpen });
    this.map.setClasses(heatMapClasses(this.classes));
    this.pictures = [this.dots, this.bars, this.map];
  }

  get quantity() {
    return this.stage.state.quantity;
  }

  /** What the counts alone would do; null for runs of which the loss is not known. */
  get countsAlone() {
    return this.alone && (this.quantity === "pair_push" ? this.alone.push : this.alone.mass);
  }

  /** The quantity as shares, (K, K), NaN on the diagonal. */
  values(snapshot) {
    const K = this.counts.length;
    const values = snapshot.get(this.quantity);
    if (this.quantity === "pair_push") return asShares(values, K);
    return values.map((value, i) => (i % (K + 1) === 0 ? NaN : value)); // the diagonal
  }

  /** Least and greatest value over all epochs, so that the axis stands still. */
  range() {
    const { curves } = this.run;
    const recorded = ["least", "most"].flatMap((end) => curves.finite(`${this.quantity}_${end}`));
    return widest([extent(recorded), ...(this.countsAlone ? [extent(this.countsAlone)] : [])]);
  }

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
    const { kind, ...dots } = (many ? classDots : pairDots)(values, classes);
    const marker = { color: kind.map((group) => this.stage.told.groups[group]) };
    const fill = { measured: { ...dots, marker }, fit: fitted(dots, countSlope(values, counts)) };
    if (alone) {
      const { x, y } = (many ? classDots : countLines)(alone, classes);
      fill.counts = { x, y };
    }
    const logs = (from, to, room) => [Math.log10(from) - room, Math.log10(to) + room];
    const yaxis = { range: logs(low, high, 0.15), title: { text: `share of ${WHOLE[this.quantity]}` } };
    const { clientWidth: width } = this.dots.host;
    const xaxis = { range: logs(Math.min(...counts), Math.max(...counts), 0.1), ...(width < NARROW && FEW_TICKS) };
    xaxis.title = { text: wrapped("training images of the counterpart", width) };
    if (!isUneven(counts)) Object.assign(xaxis, { tickvals: [counts[0]], ticktext: [String(counts[0])] });
    return { fill: ({ role }) => fill[role], layout: { xaxis, yaxis } };
  }

  drawBars(snapshot, [below, above]) {
    const { order, names } = this.classes;
    const bars = received(snapshot.get("gradient_attraction"), snapshot.get("gradient_norm"), this.groups);
    const sorted = (values, sign) => {
      const lengths = order.map((k) => values[k]);
      return { x: order.map((k) => escaped(names[k])), y: lengths.map((length) => sign * length), customdata: lengths };
    };
    const fill = ({ role }) => sorted(bars[role], role === "pull" ? -1 : 1);
    return { fill, layout: { yaxis: { range: [1.05 * below, 1.05 * above] } } };
  }

  showSummary(snapshot, values) {
    const { counts, countsAlone: alone } = this;
    const slopeOf = (push) => number(countSlope(push, counts), 2);
    const slope = ["Slope ", h("b", {}, slopeOf(values)), alone ? `, counts alone ${slopeOf(alone)} in ${batches(null)}. ` : ". "];
    const level = `All classes have ${counts[0]} training images: there is no slope. `;
    const none = counts.length < 3 ? "Two classes have no slope. " : isUneven(counts) ? null : level;
    this.slope.replaceChildren(...(none ? [none] : slope));
    this.share.replaceChildren(...this.tailShare(snapshot));
  }

  tailShare(snapshot) {
    const { counts, groups, run } = this;
    const [K, { tail }] = [counts.length, groups];
    if (run.classes.bins) return ["Classes are pooled by frequency: the tail's share is not computed."];
    if (tail.length < 2) return [];
    const shareOf = (matrix) => tailPushShare(matrix, K, groups);
    const measured = run.metric("tail_push_share", snapshot.epoch) ?? shareOf(snapshot.get("pair_push"));
    const byCounts = this.alone ? `, counts alone ${percent(shareOf(this.alone.push))} in ${batches(null)}` : "";
    const even = percent(shareOf(new Float32Array(K * K).fill(1)));
    const listed = tail.length > NAMED ? "" : ` (${tail.map((k) => this.names[k]).join(", ")})`;
    const among = isUneven(counts) ? "the tail" : `the classes shown as tail, no rarer than the others${listed}`;
    return [`Of all pair push within ${among} `, h("b", {}, percent(measured)), `${byCounts}; ${even} if all pairs pushed equally.`];
  }

  rows(snapshot) {
    const { names, counts, countsAlone, run, quantity } = this;
    if (!snapshot.get(quantity)) return [];
    const [values, K] = [this.values(snapshot), names.length];
    const header = `${quantity === "pair_push" ? "pair push" : "mass"} (share of ${WHOLE[quantity]})`;
    const pairs = names.flatMap((_, row) => names.map((_, column) => [row, column]));
    return pairs.filter(([row, column]) => row !== column).map(([row, column]) => ({
      run: run.told.label,
      epoch: snapshot.epoch,
      "class pushed": names[row],
      "its training images": counts[row],
      "class pushing": names[column],
      "training images of the one pushing": counts[column],
      [header]: significant(values[row * K + column]),
      [`by the counts alone, ${batches(null)} (same unit)`]: significant(countsAlone?.[row * K + column]),
    }));
  }

  /** Powers of ten around an even share. */
  scale() {
    const K = this.counts.length;
    const even = this.quantity === "pair_push" ? 2 / (K * (K - 1)) : 1 / K;
    const paper = this.map.theme.paperRgb;
    const blue = hexToRgb(this.stage.told.amount);
    const [low, middle, high] = [LIGHTEST, 1, DARKEST].map((factor) => Math.min(0, Math.log10(even * factor)));
    return {
      stops: [[0, rgbToHex(mix(paper, blue, 0.06))], [1, rgbToHex(blue)]],
      low,
      high,
      ticks: [low, middle, high].map((end) => [end, percent(10 ** end)]),
      title: `of ${WHOLE[this.quantity]}${this.many ? ", geometric mean" : ""}`,
      format: (value) => percent(10 ** value),
    };
  }
}

function widest(ranges) {
  return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
}
