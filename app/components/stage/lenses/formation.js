// How the angles between class means form: every pair over the epochs, and the current epoch's angles beside them.

import { Chart } from "../plots/chart.js";
import { isBounded } from "../core/bounds.js";
import { EVERY_PAIR_UP_TO, asFrequent, isUneven, whoIn } from "../core/classes.js";
import { h, swatch, toggle } from "../core/dom.js";
import { formationFigure } from "../plots/figures.js";
import { kindsOf } from "../core/geometry.js";
import { tell } from "../core/glossary.js";
import { optimumOf, batchesOf, termOf } from "../core/words.js";
import { ANGLE, Lens, degrees, pairsOf } from "./lens.js";
import { DOTTED, area, dot, legendOf, line } from "./signs.js";
import { DASH, SPACE, TICK, kindOfPair } from "../plots/dots.js";
import { EpochLine, between, epochAxis, lastEpoch, onAxis } from "../plots/epoch_line.js";
import { Strip } from "../plots/strip.js";

const TAIL = "angle_tail_tail";
const QUANTILES = ["angle_q05", "angle_q25", "angle_q50", "angle_q75", "angle_q95"];
const SHARES = ["5 %", "25 %", "50 %", "75 %", "95 %"].map((share) => `${share} quantile over all pairs`);
const [ROOM, LEAST_TOP] = [4, 120]; // degrees
const PAIRS =
  "Each thin line is the angle between two [class means|class mean], orange within the [tail], slate within the [head]. ";
const DISTRIBUTION = "The angles between all pairs of [class means|class mean], and in bold their mean over the [tail]. ";
const EVEN = "Each thin line is the angle between two [class means|class mean]; no class here is rarer than another. ";
const REGULAR = "Thin grey dashes: where all pairs would be equally far apart, as in a [regular simplex].";

export class Formation extends Lens {
  static key = "formation";
  static title = "Formation";
  static proof = "theory#3-what-is-optimal";
  static views = false;
  static isFirst = true; // it begins with dots, which need nothing

  build() {
    this.offer(toggle(this.stage, "log", "log epochs"));
    this.addColumns((content, run) => new FormationColumn(this.stage, content, run));
  }

  arrived() {
    const { parts } = this;
    const highest = Math.max(...parts.map((part) => part.highest()));
    const top = Math.min(180 + ROOM, Math.max(LEAST_TOP, Math.ceil((highest + ROOM) / TICK) * TICK));
    for (const part of parts) part.draw(top, this.columns);
    const kinds = [parts.some((part) => !part.many), parts.some((part) => part.many)]; // few pairs, many pairs
    const words = [this.shown(isUneven) ? PAIRS : EVEN, DISTRIBUTION].filter((_, i) => kinds[i]).join("");
    tell(this.words, `${words}${REGULAR}${this.predicted ? this.dotted : ""}`, this.stage.told.glossary);
    this.legend.replaceChildren(...legendOf(this.signs(...kinds)));
  }

  /** Whether some run's counts are such. */
  shown(such) {
    return this.columns.some(({ run }) => run.classes && such(run.classes.counts));
  }

  /** Runs of which a picture shows what is predicted. */
  get predicted() {
    const runs = this.columns.map(({ run }) => run).filter(({ classes }) => Number.isFinite(classes?.predicted?.tail));
    return runs.length ? runs : null;
  }

  /** @param {"head" | "tail"} group */
  who(group) {
    const known = this.columns.map(({ run }) => run.classes).filter(Boolean);
    const even = known.length && !known.some(({ counts }) => isUneven(counts)) && known[0];
    return even ? `${whoIn(group, even)}${asFrequent(even)}` : `the ${group}`;
  }

  get dotted() {
    const optimum = optimumOf(this.predicted);
    return ` Dotted: the mean within ${this.who("tail")} at the [${optimum}|${termOf(this.predicted)}], where the contrastive loss alone would leave it.`;
  }

  /** @param {boolean} few whether pairs have a line each @param {boolean} many or not */
  signs(few, many) {
    const { stage, columns } = this;
    const { groups, neutral } = stage.told;
    const pairs = [
      [line(groups.tail, 1.5), `pair within ${this.who("tail")}`],
      [line(groups.head, 1.5), `pair within ${this.who("head")}`],
      [line(neutral, 1.5, { opacity: 0.45 }), "any other pair"],
    ];
    const shares = [
      [line(neutral, 2), "median pair"],
      [area(neutral, 0.42), "half of the pairs"],
      [area(neutral, 0.2), "nine tenths"],
    ];
    const hasOthers = stage.comparable && columns.length > 1;
    return [
      ...(few ? pairs : []),
      ...(many ? shares : []),
      [columns.map(({ run }) => swatch(run.told)), `mean within ${this.who("tail")}`],
      hasOthers && [columns.map(({ run }) => line(run.told.colour, 1.5, { opacity: 0.55 })), "in other runs"],
      columns.some(({ run }) => stage.store.tablesOf(run)) && [area("currentColor", 0.2), "range over seeds"],
      [line(neutral, 1, { dash: `${DASH} ${SPACE}` }), "thin dashed line: regular simplex"],
      this.predicted && [line("currentColor", 1.5, { dash: DOTTED }), `${this.who("tail")}, ${optimumOf(this.predicted)}`],
      !many && [dot(neutral), "this epoch"],
    ];
  }

  rows() {
    return this.parts.flatMap((part) => part.rows());
  }

  epoch() {
    for (const { run, part } of this.columns) {
      const { epoch, message } = this.stage.look(run, false);
      if (!part || message !== null) continue;
      part.strip.show(part.many ? null : run.angles(epoch), part.many ? part.shares(epoch) : null);
    }
  }

  frame() {
    for (const { part } of this.columns) part?.line.draw();
  }
}

class FormationColumn {
  constructor(stage, content, run) {
    Object.assign(this, { stage, run });
    const { groups, regular } = run.classes;
    const predicted = Number.isFinite(run.classes.predicted?.tail) ? run.classes.predicted : null;
    this.kinds = kindsOf(groups);
    this.many = this.kinds.length > EVERY_PAIR_UP_TO; // too many for a line a pair
    this.others = stage.store.runs.filter((other) => other !== run);
    const plot = content.appendChild(h("div", { class: "plot" }));
    const others = this.others.map(({ told }) => told);
    const { about } = run;
    const rare = whoIn("tail", run.classes);
    const targets = { regular, predicted, rare, planned: about.planned, isBounded: isBounded(about) };
    const figure = formationFigure(run.told, others, targets, stage.told);
    const onDraw = () => (this.strip.draw(), this.line.draw());
    this.chart = new Chart(plot, figure, stage.told, onDraw);
    this.line = new EpochLine(stage, content, this.chart);
    this.strip = new Strip(content, this.chart, this.kinds, stage.told);
    content.addEventListener("pointermove", (event) => event.buttons === 1 && this.line.seek(event));
    this.pictures = [this.chart, this.line, this.strip];
  }

  get meanEpochs() {
    return [...this.run.curves.means.keys()].sort((a, b) => a - b);
  }

  /** Degrees below which 5, 25, 50, 75 and 95 % of all pairs are; null where that was not recorded. */
  shares(epoch) {
    return QUANTILES.map((name) => this.run.metric(name, epoch));
  }

  /** Degrees that the axis goes up to, at least. */
  highest() {
    const { curves } = this.run;
    const drawn = this.many
      ? curves.finite(QUANTILES.at(-1))
      : this.meanEpochs.flatMap((epoch) => Array.from(curves.angles(epoch)).filter(Number.isFinite));
    return drawn.reduce((most, angle) => Math.max(most, angle), this.run.classes.regular);
  }

  onAxis(epochs) {
    return epochs.map((epoch) => onAxis(this.stage.state, epoch));
  }

  /** @param {number} top degrees at the top of the axis, the same in every column */
  draw(top, columns) {
    const { others, stage } = this;
    const last = lastEpoch(columns.map(({ run }) => run));
    const ends = { x: [...this.onAxis([0]), last] };
    const layout = { xaxis: epochAxis(stage.state, last), yaxis: { range: [0, top] } };
    this.strip.scale(top);
    if (!stage.warm) return;
    this.chart.show(() => {
      const own = { ...this.lines(), simplex: ends, predicted: ends };
      const partOf = (place) => columns.find(({ run }) => run === others[place])?.part;
      const beside = (place) => (stage.comparable ? partOf(place)?.tailLine() : null);
      return { fill: ({ role, place }) => (role === "beside" ? beside(place) : own[role]), layout };
    });
  }

  tailLine() {
    const { curves } = this.run;
    return { x: this.onAxis(curves.epochs), y: curves.column(TAIL) };
  }

  /** Every pair over every epoch, or what is drawn of them where they are many. */
  rows() {
    const { run, many } = this;
    const { curves } = run;
    const { names } = run.classes;
    const row = (epoch, what, angle, [a, b] = ["", ""]) => {
      return { run: run.told.label, epoch, what, class: a, "other class": b, [ANGLE]: degrees(angle) };
    };
    const pairs = many ? [] : pairsOf(names.length);
    const tail = curves.column(TAIL);
    const predicted = run.classes.predicted ?? {};
    const ahead = ["tail", "prototypes"].filter((of) => Number.isFinite(predicted[of])).map((of) => {
      const within = of === "tail" ? "the tail" : "the tail's prototypes";
      return row("", `predicted for ${batchesOf(predicted)}: mean over the pairs within ${within}`, predicted[of]);
    });
    const measured = curves.epochs.flatMap((epoch, i) => {
      const shares = many ? this.shares(epoch) : [];
      const between = curves.angles(epoch);
      const pairRow = ([a, b]) => row(epoch, "pair of classes", between[b * names.length + a], [names[a], names[b]]);
      return [
        row(epoch, "mean over the pairs within the tail", tail[i]),
        ...(between ? pairs.map(pairRow) : []),
        ...shares.map((angle, share) => row(epoch, SHARES[share], angle)),
      ];
    });
    return [...measured, ...ahead];
  }

  lines() {
    const lines = { "tail–tail": this.tailLine() };
    const seeds = this.stage.store.band(this.run, TAIL);
    if (seeds) lines.seeds = between(this.onAxis(seeds.epochs), seeds.low, seeds.high);
    if (!this.many) return { ...lines, ...this.pairLines() };
    const { curves } = this.run;
    const x = this.onAxis(curves.epochs);
    const [least, low, median, high, most] = QUANTILES.map((name) => curves.column(name));
    return { ...lines, range: between(x, least, most), middle: between(x, low, high), median: { x, y: median } };
  }

  /** One trace a group of pairs, its lines parted by gaps. */
  pairLines() {
    const { names } = this.run.classes;
    const epochs = this.meanEpochs;
    const x = this.onAxis(epochs);
    const angles = epochs.map((epoch) => this.run.curves.angles(epoch));
    const kinds = ["head", "medium", "tail"];
    const lines = Object.fromEntries(kinds.map((kind) => [kind, { x: [], y: [], text: [] }]));
    for (let i = 0; i < names.length; i++) {
      for (let j = 0; j < i; j++) {
        const line = lines[kindOfPair(this.kinds, i, j)];
        const text = `${names[j]} and ${names[i]}`;
        line.x.push(...x, null);
        line.y.push(...angles.map((pairs) => pairs[i * names.length + j]), null);
        line.text.push(...epochs.map(() => text), "");
      }
    }
    return lines;
  }
}
