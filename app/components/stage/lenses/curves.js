// Two numbers over the epochs, a line a run; and beside them how right each run is, class by class.

import { boundInWords, isBounded } from "../core/bounds.js";
import { Chart } from "../plots/chart.js";
import { choice, h, menu, toggle } from "../core/dom.js";
import { EpochLine, between, epochAxis, lastEpoch, onAxis } from "../plots/epoch_line.js";
import { SYMBOLS, accuracyFigure, curveFigure, wrapped } from "../plots/figures.js";
import { matching, oneOf } from "../core/fields.js";
import { classLabels, keyOf } from "../core/classes.js";
import { orderOf } from "../core/geometry.js";
import { tell } from "../core/glossary.js";
import { escaped } from "../export/words.js";
import { Lens, significant } from "./lens.js";
import { DOTTED, legendOf, line, symbol } from "./signs.js";
import { NO_PROTOTYPES } from "../core/run.js";
import { optimumOf, batchesOf } from "../core/words.js";

const METRIC = /^[a-z0-9_]{1,40}$/; // Python knows which there are
const PLACES = [["metric", "first"], ["beside", "second"], ["classes", "by class"]];
const UNITS = { accuracy: "share from 0 to 1" };
const AXES = { accuracy: { tickformat: ".0%" }, share: { tickformat: ".2~%" } };
const WORDS =
  "Two numbers over the epochs, of your choice, and the test accuracy of each class at the epoch that is shown, the " +
  "most frequent class on top where counts differ.";
export const ALIKE = "These runs have different classes or counts: their accuracies by class are not drawn together.";
const FLOOR = {
  loss_contrastive: "were every class one point",
  loss: "were every class one point: its contrastive part at its least, cross-entropy at nothing",
};
const NOT_RECORDED = "Accuracy by class was not recorded.";
const RMS = "angle_rms_deviation";
const OFF = "distance_to_prediction";
const MOST = 20; // classes that find room

export class Curves extends Lens {
  static key = "curves";
  static title = "Curves";
  static proof = "theory#5-the-metrics";
  static fields = {
    metric: matching("loss", METRIC),
    beside: matching("accuracy", METRIC),
    chart: oneOf(...PLACES.map(([place]) => place)), // the one that is shown where there is room for one
  };

  build() {
    const { stage } = this;
    this.offer(toggle(stage, "log", "log epochs"));
    this.addColumns(() => null); // their heads are the legend
    const tabs = h("div", { class: "controls which" }, choice(stage, "chart", "", PLACES));
    this.charts = h("div", { class: "charts" });
    this.legend.before(tabs, this.charts);
    const runs = stage.store.runs.map(({ told }) => told);
    this.lines = ["metric", "beside"].map((field) => new CurveChart(this, field));
    const [plot, content] = room(this.charts, "classes", h("p", { class: "title" }, "Test accuracy by class"));
    this.lack = content.appendChild(h("p", { class: "message", role: "status", hidden: true }));
    this.accuracy = new Chart(plot, accuracyFigure(runs), stage.told);
    this.note = this.side.appendChild(h("p", { class: "key", role: "status" }));
    tell(this.words, WORDS, stage.told.glossary);
  }

  get pictures() {
    return this.built ? [...this.lines.flatMap(({ chart, line }) => [chart, line]), this.accuracy] : [];
  }

  /** The lines need no views: a run says what is wrong with its numbers, and waits in silence. */
  look(run) {
    const found = this.stage.look(run, false);
    return found.waiting ? { ...found, message: null } : found;
  }

  options() {
    this.root.dataset.chart = this.stage.state.chart;
  }

  arrived() {
    for (const line of this.lines) line.draw();
    this.say();
  }

  epoch() {
    const { stage } = this;
    const looked = stage.runs.map((run) => ({ run, snapshot: stage.look(run).snapshot }));
    const { runs, labels, note, lack } = byClass(looked.filter(({ run, snapshot }) => run.classes && snapshot));
    const why = runs ? null : stage.comparable ? lack : ALIKE;
    this.lack.hidden = !why;
    this.lack.textContent = why ?? "";
    this.accuracy.host.classList.toggle("empty", Boolean(why));
    if (!runs) return;
    this.thinned = note;
    this.say();
    const fill = ({ place }) => {
      const found = runs.find(({ run }) => run === stage.store.runs[place]);
      return found ? { x: found.values, y: labels } : null;
    };
    const yaxis = { categoryarray: labels.toReversed(), range: [-0.6, labels.length - 0.4] };
    this.accuracy.show(() => ({ fill, layout: { yaxis } }));
  }

  frame() {
    for (const { line } of this.lines) line.draw();
  }

  signs() {
    const runs = this.stage.store.runs.map(({ told }) => told);
    const floored = this.lines.flatMap((line) => line.floored);
    return [
      ...runs.map((run, place) => [symbol(SYMBOLS[place % SYMBOLS.length], run.colour), run.label]),
      floored.length > 0 && [line("currentColor", 1.5, { dash: DOTTED }), `loss at the ${optimumOf(floored)}`],
    ];
  }

  say() {
    this.legend.replaceChildren(...legendOf(this.signs()));
    const said = [...new Set(this.lines.flatMap((line) => line.notes())), this.thinned];
    this.note.textContent = said.filter(Boolean).join(" ");
  }

  rows() {
    const { stage } = this;
    const { metrics } = stage.told;
    const named = this.lines.map(({ metric }) => {
      const { title, unit } = metrics[metric];
      return [metric, `${title} (${UNITS[unit] ?? unit})`];
    });
    return stage.runs.flatMap((run) => {
      const columns = named.map(([metric, name]) => [name, valuesOf(run, metric)]);
      const numbers = (i) => Object.fromEntries(columns.map(([name, values]) => [name, significant(values[i])]));
      return run.curves.epochs.map((epoch, i) => ({ run: run.told.label, epoch, ...numbers(i) }));
    });
  }
}

/** One metric over the epochs; which, the reader chooses over it. */
class CurveChart {
  constructor({ stage, charts }, field) {
    Object.assign(this, { stage, field });
    const options = Object.keys(stage.told.metrics).map((key) => [key, titleOf(stage, key)]);
    const title = menu(stage, field, "", options);
    title.lastChild.ariaLabel = field === "metric" ? "First chart" : "Second chart";
    const [plot, content] = room(charts, field, title);
    const figure = curveFigure(stage.store.runs.map(({ told }) => told), lastEpoch(stage.store.runs));
    this.chart = new Chart(plot, figure, stage.told, () => this.line.draw());
    this.line = new EpochLine(stage, content, this.chart);
  }

  /** The chosen metric, as far as there is such a one. */
  get metric() {
    const { state, told } = this.stage;
    const wanted = state[this.field];
    return Object.hasOwn(told.metrics, wanted) ? wanted : Curves.fields[this.field].initial;
  }

  get spread() {
    return this.stage.told.metrics[this.metric].spread;
  }

  draw() {
    const { stage, metric } = this;
    const { unit } = stage.told.metrics[metric];
    const title = titleOf(stage, metric);
    const last = lastEpoch(stage.store.runs);
    this.known = stage.store.runs.map((run) => (stage.runs.includes(run) ? this.series(run) : null));
    const fill = ({ role, place }) => this.known[place]?.[role];
    const named = title.toLowerCase().includes(unit) ? title : `${title} (${unit})`;
    const isEmpty = !this.known.some((series) => series?.line.y.some(Number.isFinite)); // an axis of nothing has no numbers
    const text = wrapped(named, this.chart.host.clientHeight);
    const yaxis = { title: { text }, tickformat: null, autorange: true, showticklabels: !isEmpty };
    const layout = { xaxis: epochAxis(stage.state, last), yaxis: { ...yaxis, ...AXES[unit] } };
    this.chart.show(() => ({ fill, layout }));
  }

  series(run) {
    const { state, store } = this.stage;
    const along = (epochs) => epochs.map((epoch) => onAxis(state, epoch));
    const line = { x: along(run.curves.epochs), y: valuesOf(run, this.metric) };
    const lowest = run.about?.floors[this.metric];
    const floor = lowest !== undefined && line.x.length ? { x: [line.x[0], line.x.at(-1)], y: [lowest, lowest] } : null;
    if (this.spread) {
      const deviations = run.curves.column(this.spread);
      const edge = (sign) => line.y.map((value, i) => value + sign * deviations[i]);
      return { line, floor, band: between(line.x, edge(-1), edge(1)) };
    }
    const seeds = store.band(run, this.metric);
    return { line, floor, band: seeds && between(along(seeds.epochs), seeds.low, seeds.high) };
  }

  /** Runs of which the least that is predicted is drawn. */
  get floored() {
    return this.stage.store.runs.filter((_, place) => this.known?.[place]?.floor);
  }

  notes() {
    const { stage, known, metric, spread } = this;
    const isEmpty = (run) => run.table && !known[stage.store.runs.indexOf(run)]?.line.y.some(Number.isFinite);
    const title = titleOf(stage, metric);
    const missing = (run) => (metric === OFF && run.unpredicted) || `“${title}”: no value was recorded.`;
    const why = (run) => (run.measures(metric) ? missing(run) : NO_PROTOTYPES);
    const lacks = stage.runs.filter(isEmpty).map((run) => `${run.told.label}: ${why(run)}`);
    const isBound = (run) => metric === RMS && run.classes && isBounded(run.about);
    const bound = ({ about, classes, told }) => `${told.label}: ${boundInWords(about, classes.regular)}.`;
    const bounds = stage.runs.filter(isBound).map(bound);
    const hasBand = known.some((series) => series?.band);
    const floor = (ofBatch) => `Dotted: the least that is predicted for ${ofBatch}, ${FLOOR[metric]}.`;
    const predicted = stage.runs.filter(({ classes }) => metric === OFF && classes?.predicted);
    const band = spread ? "Band: the spread over pairs, one standard deviation." : "Band: range over seeds.";
    return [
      hasBand && band,
      ...byBatch(this.floored, floor),
      ...byBatch(predicted, (ofBatch) => `Predicted for ${ofBatch}.`),
      ...lacks,
      ...bounds,
    ];
  }
}

/** A metric's title, with the batches that it is for where these are known. */
function titleOf({ runs, told }, metric) {
  return told.metrics[metric].title.replace("optimum predicted for the stated batch", optimumOf(runs));
}

/** What is to be said of predictions for some batches, once for all runs, or of each run where these differ. */
function byBatch(runs, say) {
  const told = runs.map(({ classes, told }) => [say(batchesOf(classes.predicted)), told.label]);
  const said = [...new Set(told.map(([text]) => text))];
  return said.length > 1 ? told.map(([text, label]) => `${label}: ${text}`) : said;
}

/** What a run has of a metric, NaN where it has nothing. */
function valuesOf(run, metric) {
  const values = run.curves.column(metric);
  return run.measures(metric) ? values : values.map(() => NaN);
}

/** Room for one chart under its name. @returns {HTMLElement[]} where it is drawn, and what is laid over it */
function room(charts, name, title) {
  const plot = h("div", { class: "plot" });
  const content = h("div", { class: "content" }, plot);
  charts.append(h("div", { class: `chart ${name}` }, title, content));
  return [plot, content];
}

/**
 * The test accuracies of each class, the most frequent first; of many classes, some evenly over that order.
 *
 * @returns {{runs: ?{run: Object, values: number[]}[], labels: string[], note: string, lack: ?string}} `runs` is null
 *   where nothing can be drawn, and `lack` says why; `note` says what of it is not drawn
 */
export function byClass(shown) {
  const known = shown.filter(({ snapshot }) => snapshot.get("accuracy_per_class"));
  if (!known.length) return { runs: null, lack: shown.length ? NOT_RECORDED : null };
  const { classes } = known[0].run;
  const isOther = ({ run }) => keyOf(run.classes) !== keyOf(classes);
  if (known.some(isOther)) return { runs: null, lack: ALIKE };
  const order = thinned(orderOf(classes.groups));
  const labels = classLabels(classes.names.map(escaped), classes.counts); // which Plotly reads as markup
  const lacking = shown.filter((one) => !known.includes(one)).map(({ run }) => run.told.label);
  const { length: K } = labels;
  const notes = [
    order.length < K && `By class: ${order.length} of ${K} classes, evenly from the most to the least frequent.`,
    lacking.length && `${lacking.join(", ")}: accuracy by class was not recorded.`,
  ];
  return {
    runs: known.map(({ run, snapshot }) => ({ run, values: order.map((k) => snapshot.get("accuracy_per_class")[k]) })),
    labels: order.map((k) => labels[k]),
    note: notes.filter(Boolean).join(" "),
    lack: null,
  };
}

/** At most so many of a list, its ends included. */
function thinned(list) {
  if (list.length <= MOST) return list;
  return Array.from({ length: MOST }, (_, i) => list[Math.round((i * (list.length - 1)) / (MOST - 1))]);
}
