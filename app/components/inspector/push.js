// Who pushes whom: push against the counterpart's count, between which classes it is, and what each class receives.

import { Chart } from "./chart.js";
import { hexToRgb, mix, rgbToHex } from "./colour.js";
import { choice, h, number } from "./dom.js";
import { asShares, byFrequency, countEffect, countSlope, groupsOf, tailPushShare } from "./geometry.js";
import { HeatMap } from "./heatmap.js";
import { Panel } from "./panel.js";
import { heatMapClasses } from "./classes.js";

const EVERY_PAIR_UP_TO = 20; // classes; beyond, a dot a class
const QUANTITIES = [["pair_push", "pair push"], ["gradient_mass", "mass"]];
const [DARKEST, LIGHTEST] = [10, 1 / 100]; // of an even share, where the heat map's scale ends
const NO_PUSH = "Cross-entropy alone has no contrastive push.";
const KEYS = {
  pair_push:
    "Each dot is a pair of classes: how hard they push on each other in the whole loss, against the training images of the one that pushes. ",
  gradient_mass:
    "Each dot is a pair of classes: which share of an anchor's repulsion goes to the other class, against its training images. ",
};
const REST =
  "Orange: on the tail; slate: on the head. Thin lines: the count effect alone, all similarities equal, as before " +
  "training. Bold: the measured slope. Bars, what each class receives: up the push by head (slate), medium and tail " +
  "(orange), down, hatched, the pull of its own class; mean lengths, which add up here while the forces partly cancel.";

export class Push extends Panel {
  constructor(app) {
    super(app, "push", "Who pushes whom");
  }

  build() {
    this.body.append(h("div", { class: "controls" }, choice(this.app, "quantity", "", QUANTITIES)));
    this.addColumns((content, run) => new PushColumn(this.app, content, run));
    this.key = this.body.appendChild(h("p", { class: "key" }));
  }

  options() {
    this.key.textContent = KEYS[this.app.state.quantity] + REST;
  }

  arrived() {
    const parts = this.columns.map(({ part }) => part).filter(Boolean);
    const spans = parts.map((part) => part.span()).filter(([low, high]) => low < high);
    this.range = [Math.min(...spans.map(([low]) => low)), Math.max(...spans.map(([, high]) => high))];
    const most = parts.map((part) => part.most());
    this.most = [0, 1].map((side) => Math.max(...most.map((ends) => ends[side])));
    this.epoch();
  }

  epoch() {
    for (const { column, run, part, snapshot } of this.drawn()) {
      if (snapshot.get("pair_push")) part.show(snapshot, this.range, this.most);
      else column.say(run.told.switches?.contrastive === false ? NO_PUSH : "This run recorded no gradients.");
    }
  }
}

class PushColumn {
  constructor(app, content, run) {
    Object.assign(this, { app, run });
    const { classes } = run.told;
    const pooled = classes.bins && pool(classes.bins, classes.counts);
    this.names = pooled?.names ?? classes.names;
    this.counts = pooled?.counts ?? classes.counts;
    this.pooled = Boolean(pooled);
    this.groups = groupsOf(this.counts);
    this.order = byFrequency(this.counts);
    this.kindOf = this.counts.map((_, k) => ["head", "tail"].find((name) => this.groups[name].includes(k)) ?? "medium");
    this.alone = run.told.switches && countEffect(this.counts, run.told.switches);
    const [dots, bars] = ["dots", "bars"].map((name) => h("div", { class: `plot ${name}` }));
    this.summary = h("p", { class: "summary" });
    const map = h("div", { class: "map" });
    this.readout = h("p", { class: "readout" });
    content.append(dots, this.summary, map, this.readout, bars);
    const { plotly } = app.told;
    this.dots = new Chart(dots, classes.figures.push, { plotly });
    this.bars = new Chart(bars, classes.figures.received, { plotly });
    this.map = new HeatMap(map, { label: `Push between classes, ${run.told.label}`, onHover: (hit) => this.say(hit) });
    this.map.setClasses(heatMapClasses(this.names, this.counts));
  }

  get quantity() {
    return this.app.state.quantity;
  }

  /** What the counts alone predict; null for runs of which the loss is not known. */
  get countsAlone() {
    return this.alone && (this.quantity === "pair_push" ? this.alone.push : this.alone.mass);
  }

  values(snapshot) {
    const K = this.counts.length;
    return this.quantity === "pair_push" ? asShares(snapshot.get("pair_push"), K) : offDiagonal(snapshot.get("gradient_mass"), K);
  }

  /** Least and greatest value over all epochs, so that the axis stands still. */
  span() {
    const { remembered = {} } = this;
    this.remembered = remembered;
    const spans = [...this.run.snapshots.values()].filter((snapshot) => snapshot.get("pair_push")).map((snapshot) => {
      const known = (remembered[`${this.quantity}/${snapshot.epoch}`] ??= extremes(this.values(snapshot)));
      return known;
    });
    return [Math.min(...spans.map(([low]) => low)), Math.max(...spans.map(([, high]) => high))];
  }

  /** The longest bars over all epochs: down and up. */
  most() {
    const stacks = [...this.run.snapshots.values()].filter((snapshot) => snapshot.get("gradient_norm"));
    this.stacks ??= new Map();
    for (const snapshot of stacks) {
      if (this.stacks.has(snapshot)) continue;
      const { pull, push } = this.received(snapshot);
      const up = this.counts.map((_, k) => Object.values(push).reduce((sum, values) => sum + (values[k] || 0), 0));
      this.stacks.set(snapshot, [Math.max(0, ...pull.filter(Number.isFinite)), Math.max(0, ...up)]);
    }
    return [0, 1].map((side) => Math.max(0, ...[...this.stacks.values()].map((ends) => ends[side])));
  }

  show(snapshot, range, most) {
    const values = this.values(snapshot);
    this.showDots(values, range);
    this.showSummary(snapshot, values);
    this.showMap(values);
    this.showBars(snapshot, most);
  }

  showDots(values, [low, high]) {
    const alone = this.countsAlone;
    const K = this.counts.length;
    const dots = K <= EVERY_PAIR_UP_TO ? this.everyPair(values) : this.everyClass(values);
    const counts = alone && (K <= EVERY_PAIR_UP_TO ? this.lines(alone) : byX(this.everyClass(alone)));
    const measured = { ...dots, marker: { color: dots.kind.map((kind) => this.app.told.groups[kind]) } };
    const fill = { measured, counts: counts ?? { visible: false }, fit: fit(dots, countSlope(values, this.counts)) };
    const least = Math.min(low, ...(alone ?? []).filter((value) => value > 0));
    const y = [Math.log10(least) - 0.15, Math.log10(high) + 0.15];
    const x = [Math.log10(Math.min(...this.counts)) - 0.1, Math.log10(Math.max(...this.counts)) + 0.1];
    const title = this.quantity === "pair_push" ? "share of all push" : "share of the anchor's push";
    this.dots.show(({ role }) => fill[role], { yaxis: { range: y, title: { text: title } }, xaxis: { range: x } });
  }

  everyPair(values) {
    const dots = { x: [], y: [], text: [], kind: [] };
    for (const row of this.order) {
      for (const column of this.order) {
        const value = values[row * this.counts.length + column];
        if (row === column || !(value > 0)) continue;
        dots.x.push(this.counts[column]);
        dots.y.push(value);
        dots.kind.push(this.kindOf[row]);
        dots.text.push(`${this.names[column]} (n = ${this.counts[column]}) pushes ${this.names[row]} (n = ${this.counts[row]})<br><b>${percent(value)}</b>`);
      }
    }
    return dots;
  }

  /** Geometric mean over the classes that are pushed. */
  everyClass(values) {
    const K = this.counts.length;
    const dots = { x: [], y: [], text: [], kind: [] };
    for (const column of this.order) {
      const logs = this.order.map((row) => Math.log(values[row * K + column])).filter(Number.isFinite);
      if (!logs.length) continue;
      const value = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
      dots.x.push(this.counts[column]);
      dots.y.push(value);
      dots.kind.push(this.kindOf[column]);
      dots.text.push(`${this.names[column]} (n = ${this.counts[column]}) on the others<br><b>${percent(value)}</b>`);
    }
    return dots;
  }

  lines(values) {
    const line = { x: [], y: [] };
    for (const row of this.order) {
      for (const column of this.order) {
        if (row === column) continue;
        line.x.push(this.counts[column]);
        line.y.push(values[row * this.counts.length + column]);
      }
      line.x.push(null);
      line.y.push(null);
    }
    return line;
  }

  showSummary(snapshot, values) {
    const K = this.counts.length;
    const alone = this.countsAlone;
    const slopes = [values, alone].map((push) => push && number(countSlope(push, this.counts), 2));
    const slope = ["Slope ", h("b", {}, slopes[0]), ` measured${alone ? `, ${slopes[1]} by the counts alone` : ""}, 0 if all pushed alike.`];
    const even = new Float32Array(K * K).fill(1);
    const share = (push) => percent(tailPushShare(push, K, this.groups));
    const { length } = this.groups.tail;
    const byCounts = alone ? `; ${share(this.alone.push)} by the counts alone` : "";
    const tail = this.pooled
      ? [" Classes are pooled into bins of like frequency; the tail's share is not computed."]
      : length < 2
        ? []
        : [` Among the ${length} rarest classes: `, h("b", {}, share(snapshot.get("pair_push"))), ` of all pair push${byCounts}, ${share(even)} if all pushed alike.`];
    this.summary.replaceChildren(...slope, ...tail);
  }

  showMap(values) {
    if (this.scaled !== this.quantity) this.map.setScales(this.scale());
    this.scaled = this.quantity;
    this.map.setValues(values.map(Math.log10));
  }

  /** Powers of ten around an even share. */
  scale() {
    const K = this.counts.length;
    const even = this.quantity === "pair_push" ? 2 / (K * (K - 1)) : 1 / K;
    const paper = this.map.stage.theme.paperRgb;
    const blue = hexToRgb(this.app.told.amount);
    const ends = [LIGHTEST, 1, DARKEST].map((factor) => Math.min(0, Math.log10(even * factor)));
    return {
      stops: [[0, rgbToHex(mix(paper, blue, 0.06))], [1, rgbToHex(blue)]],
      low: ends[0],
      high: ends[2],
      ticks: ends.map((end) => [end, percent(10 ** end)]),
      title: this.quantity === "pair_push" ? "of all push" : "of the anchor's push",
      format: (value) => percent(10 ** value),
    };
  }

  say(hit) {
    this.readout.textContent = hit?.text ?? "";
  }

  received(snapshot) {
    const K = this.counts.length;
    const norm = snapshot.get("gradient_norm");
    const sumOver = (group, k) => group.reduce((sum, q) => sum + (norm[k * K + q] || 0), 0);
    const push = Object.fromEntries(Object.entries(this.groups).map(([name, group]) => [name, this.counts.map((_, k) => sumOver(group, k))]));
    return { pull: Array.from(snapshot.get("gradient_attraction")), push };
  }

  showBars(snapshot, most) {
    if (!snapshot.get("gradient_norm")) return;
    const { pull, push } = this.received(snapshot);
    const x = this.order.map((k) => this.names[k]);
    const sorted = (values, sign) => ({ x, y: this.order.map((k) => sign * values[k]), customdata: this.order.map((k) => values[k]) });
    const fill = ({ role }) => (role === "pull" ? sorted(pull, -1) : sorted(push[role], 1));
    this.bars.show(fill, { yaxis: { range: [-1.05 * most[0], 1.05 * most[1]] } });
  }

  retheme() {
    for (const part of [this.dots, this.bars, this.map]) part.retheme();
    this.map.setScales(this.scale());
  }

  destroy() {
    for (const part of [this.dots, this.bars, this.map]) part.destroy();
  }
}

/** Bins of like frequency, each with the mean count of its classes. */
function pool(bins, counts) {
  const sums = new Map();
  bins.forEach((bin, k) => sums.set(bin, [...(sums.get(bin) ?? []), counts[k]]));
  const sorted = [...sums.keys()].sort((a, b) => a - b);
  const mean = (values) => Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
  return { names: sorted.map((bin) => `bin ${bin}`), counts: sorted.map((bin) => mean(sums.get(bin))) };
}

function fit({ x, y }, slope) {
  if (slope === null || !x.length) return { visible: false };
  const middle = (values) => values.reduce((sum, value) => sum + Math.log(value), 0) / values.length;
  const ends = [Math.min(...x), Math.max(...x)];
  return { x: ends, y: ends.map((end) => Math.exp(middle(y) + slope * (Math.log(end) - middle(x)))) };
}

function byX({ x, y }) {
  return { x, y };
}

function extremes(values) {
  const known = values.filter((value) => value > 0);
  return [known.reduce((a, b) => Math.min(a, b), Infinity), known.reduce((a, b) => Math.max(a, b), 0)];
}

function offDiagonal(values, K) {
  return Float32Array.from(values, (value, i) => (i % K === Math.floor(i / K) ? NaN : value));
}

function percent(share) {
  if (share === null || !Number.isFinite(share)) return "–";
  const hundredths = 100 * share;
  return `${hundredths >= 10 ? hundredths.toFixed(0) : hundredths >= 0.095 ? hundredths.toFixed(1) : Number(hundredths.toPrecision(1))} %`;
}
