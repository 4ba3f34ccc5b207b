// How the angles between class means form: every pair over the epochs, and the current epoch's angles beside them.

import { Chart } from "./chart.js";
import { h, toggle } from "./dom.js";
import { groupsOf, kindsOf, meanWithin, simplexAngle } from "./geometry.js";
import { Panel } from "./panel.js";
import { Strip, TICK, kindOfPair } from "./strip.js";

const EVERY_PAIR_UP_TO = 20; // classes; their distribution is drawn beyond
const SHARES = [0.05, 0.25, 0.5, 0.75, 0.95];
const [ROOM, LEAST_TOP] = [4, 120]; // degrees
const BEFORE = 0.5; // where epoch 0 stands on a logarithmic axis
const DISTRIBUTION =
  "Grey: median, half and nine tenths of all pairs of classes. Bold: mean over the tail. On the right: this epoch. ";
const PAIRS =
  "Thin lines: one pair of classes each; orange within the tail, slate within the head. Bold: mean over the tail. " +
  "Dots: this epoch. ";
const SEEDS = "Band: lowest and highest of the group's seeds. ";
const BESIDE = "Pale: the mean over the tail in the runs beside. ";
const TARGETS =
  "Dotted: where all pairs of classes would be equally far apart, and where the contrastive loss alone would leave " +
  "the tail.";

export class Formation extends Panel {
  constructor(app) {
    super(app, "formation", "Simplex formation");
  }

  /** It begins with dots, which need nothing: they are the first picture. */
  get ready() {
    return true;
  }

  build() {
    this.body.append(h("div", { class: "controls" }, toggle(this.app, "log", "log epochs")));
    this.addColumns((content, run) => new FormationColumn(this.app, content, run));
    this.key = this.body.appendChild(h("p", { class: "key" }));
  }

  arrived() {
    const parts = this.columns.map(({ part }) => part).filter(Boolean);
    const highest = Math.max(...parts.map((part) => part.highest()));
    const top = Math.min(180 + ROOM, Math.max(LEAST_TOP, Math.ceil((highest + ROOM) / TICK) * TICK));
    for (const part of parts) part.draw(top, this.columns);
  }

  options() {
    const many = this.columns.some(({ run }) => run.told.classes?.counts.length > EVERY_PAIR_UP_TO);
    const hasSeeds = this.columns.some(({ run }) => run.told.seeds);
    const hasOthers = this.app.comparable && this.columns.length > 1;
    this.key.textContent = [many ? DISTRIBUTION : PAIRS, hasSeeds && SEEDS, hasOthers && BESIDE, TARGETS]
      .filter(Boolean)
      .join("");
  }

  epoch() {
    for (const { part, snapshot } of this.drawn()) part.strip.show(snapshot.angles("class_means"));
  }

  frame() {
    for (const { part } of this.columns) part?.strip.mark(this.app.at);
  }
}

class FormationColumn {
  constructor(app, content, run) {
    this.app = app;
    this.run = run;
    const { counts, figures } = run.told.classes;
    this.tail = groupsOf(counts).tail;
    this.kinds = kindsOf(counts);
    this.plot = content.appendChild(h("div", { class: "plot" }));
    this.chart = new Chart(this.plot, figures.formation, { plotly: app.told.plotly, onDraw: () => this.strip.draw() });
    this.strip = new Strip(content, this.chart, { kinds: this.kinds, told: app.told });
    this.strip.onSeek = (epoch) => app.send({ type: "seek", epoch: this.fromAxis(epoch) });
    this.strip.toAxis = (epoch) => this.toAxis(epoch);
    this.pictures = [this.chart, this.strip];
    this.summaries = new Map();
  }

  /** What is kept of an epoch for the lines. */
  summary(epoch) {
    const angles = () => this.run.snapshots.get(epoch).angles("class_means");
    if (!this.summaries.has(epoch)) this.summaries.set(epoch, this.summarise(angles()));
    return this.summaries.get(epoch);
  }

  summarise(angles) {
    const K = this.run.told.classes.counts.length;
    const tail = meanWithin(this.tail, angles, K);
    const pairs = [];
    for (let i = 0; i < K; i++) for (let j = 0; j < i; j++) pairs.push(angles[i * K + j]);
    if (K <= EVERY_PAIR_UP_TO) return { tail, pairs, highest: Math.max(0, ...pairs.filter(Number.isFinite)) };
    const sorted = Float32Array.from(pairs.filter(Number.isFinite)).sort();
    const quantiles = SHARES.map((share) => sorted[Math.round(share * (sorted.length - 1))]);
    return { tail, quantiles, highest: quantiles.at(-1) };
  }

  highest() {
    return Math.max(simplexAngle(this.kinds.length), ...this.run.here.map((epoch) => this.summary(epoch).highest));
  }

  toAxis(epoch) {
    return this.app.state.log ? Math.max(epoch, BEFORE) : epoch;
  }

  fromAxis(value) {
    return value < 2 * BEFORE && this.app.state.log ? 0 : value;
  }

  /** @param {number} top degrees at the top of the axis, the same in every column */
  draw(top, columns) {
    const others = this.app.store.runs.filter((run) => run !== this.run);
    const partOf = (place) => columns.find(({ run }) => run === others[place])?.part;
    const last = Math.max(1, ...columns.map(({ run }) => Math.max(run.told.planned, run.epochs.at(-1) ?? 0)));
    const ends = { x: [this.toAxis(0), last] };
    const layout = { xaxis: epochAxis(this.app.state.log, last), yaxis: { range: [0, top] } };
    this.strip.scale(top);
    if (!this.app.warm) return;
    this.chart.show(() => {
      const own = { ...this.lines(), simplex: ends, predicted: ends };
      const line = (place) => (this.app.comparable ? partOf(place)?.tailLine() : null);
      return { fill: ({ role, place }) => (role === "beside" ? line(place) : own[role]), layout };
    });
  }

  tailLine() {
    const epochs = this.run.here;
    return { x: epochs.map((epoch) => this.toAxis(epoch)), y: epochs.map((epoch) => this.summary(epoch).tail) };
  }

  lines() {
    const { told } = this.run;
    const epochs = this.run.here;
    const K = told.classes.counts.length;
    const of = (value) => epochs.map((epoch) => value(this.summary(epoch)));
    const x = epochs.map((epoch) => this.toAxis(epoch));
    const lines = { "tail–tail": this.tailLine() };
    if (told.seeds) {
      const { epochs: shared, low, high } = told.seeds;
      lines.seeds = area(shared.map((epoch) => this.toAxis(epoch)), low.angle_tail_tail, high.angle_tail_tail);
    }
    if (K <= EVERY_PAIR_UP_TO) return { ...lines, ...this.pairLines(epochs, x) };
    const at = (i) => of(({ quantiles }) => quantiles[i]);
    return { ...lines, range: area(x, at(0), at(4)), middle: area(x, at(1), at(3)), median: { x, y: at(2) } };
  }

  /** One trace a group of pairs, its lines parted by gaps. */
  pairLines(epochs, x) {
    const { names } = this.run.told.classes;
    const lines = { head: emptyLine(), medium: emptyLine(), tail: emptyLine() };
    let place = 0;
    for (let i = 0; i < names.length; i++) {
      for (let j = 0; j < i; j++, place++) {
        const line = lines[kindOfPair(this.kinds, i, j)];
        const text = `${names[j]} and ${names[i]}`;
        line.x.push(...x, null);
        line.y.push(...epochs.map((epoch) => this.summary(epoch).pairs[place]), null);
        line.text.push(...epochs.map(() => text), "");
      }
    }
    return lines;
  }
}

/** Plotly's settings for an axis of epochs from 0 to the last. */
export function epochAxis(log, last) {
  if (!log) return { type: "linear", range: [0, last], tickvals: null, ticktext: null };
  const ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].filter((tick) => tick <= last);
  return {
    type: "log",
    range: [Math.log10(BEFORE), Math.log10(last)],
    tickvals: [BEFORE, ...ticks],
    ticktext: ["0", ...ticks.map(String)],
  };
}

/** A closed outline between two lines. */
export function area(x, low, high) {
  return { x: [...x, ...x.toReversed()], y: [...high, ...low.toReversed()] };
}

function emptyLine() {
  return { x: [], y: [], text: [] };
}
