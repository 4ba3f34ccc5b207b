// Two numbers over the epochs, a line a run; and beside them how right each run is, class by class.

import { Chart } from "../plots/chart.js";
import { choice, h, menu, toggle } from "../core/dom.js";
import { EpochLine } from "../plots/epoch_line.js";
import { SYMBOLS, accuracyFigure, curveFigure, wrapped } from "../plots/figures.js";
import { matching, oneOf } from "../core/fields.js";
import { tell } from "../core/glossary.js";
import { significant } from "./rows.js";
import { ALIKE, byClass } from "./accuracy.js";
import { area, epochAxis, lastEpoch } from "./formation.js";
import { Lens } from "./lens.js";
import { legendOf, symbol } from "./signs.js";
import { NO_PROTOTYPES } from "../core/run.js";

const METRIC = /^[a-z0-9_]{1,40}$/; // Python knows which there are
const PLACES = [["metric", "first"], ["beside", "second"], ["classes", "by class"]];
const UNITS = { accuracy: "share from 0 to 1" };
const AXES = { accuracy: { tickformat: ".0%" }, share: { tickformat: ".2~%" } };
const WORDS =
  "Two numbers over the epochs, of your choice, and the test accuracy of each class at the epoch that is shown, the " +
  "most frequent class on top.";

export class Curves extends Lens {
  static key = "curves";
  static title = "Curves";
  static fields = {
    metric: matching("loss", METRIC),
    beside: matching("accuracy", METRIC),
    chart: oneOf(...PLACES.map(([place]) => place)), // the one that is shown where there is room for one
  };

  build() {
    const { stage } = this;
    const { store, told } = stage;
    this.side.append(h("div", { class: "controls" }, toggle(stage, "log", "log epochs")));
    this.addColumns(() => null); // their heads are the legend
    const tabs = h("div", { class: "controls which" }, choice(stage, "chart", "", PLACES));
    this.charts = h("div", { class: "charts" });
    this.picture.append(tabs, this.charts);
    const { plotly } = told;
    const runs = store.runs.map((run) => run.told);
    this.lines = ["metric", "beside"].map((field) => new CurveChart(this, field, { runs, plotly }));
    const [plot, content] = room(this.charts, "classes", h("p", { class: "title" }, "Test accuracy by class"));
    this.lack = content.appendChild(h("p", { class: "message", role: "status", hidden: true }));
    this.accuracy = new Chart(plot, accuracyFigure(runs), { plotly });
    const signs = runs.map((run, place) => [symbol(SYMBOLS[place % SYMBOLS.length], run.colour), run.label]);
    this.picture.append(h("div", { class: "legend" }, legendOf(signs)));
    this.words = this.side.appendChild(h("p", { class: "key" }));
    this.note = this.side.appendChild(h("p", { class: "key", role: "status" }));
    tell(this.words, WORDS, told.glossary);
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
    const shown = stage.runs.filter((run) => run.classes && stage.look(run).snapshot);
    const found = byClass(shown.map((run) => ({ run, snapshot: stage.look(run).snapshot })));
    if (!found.runs) return this.sayLack(stage.comparable ? found.lack : ALIKE);
    const { labels } = found;
    this.sayLack(null);
    this.thinned = found.note;
    this.say();
    const fill = ({ place }) => {
      const at = found.runs.findIndex(({ run }) => run === stage.store.runs[place]);
      return at < 0 ? null : { x: found.runs[at].values, y: labels };
    };
    const yaxis = { categoryarray: labels.toReversed(), range: [-0.6, labels.length - 0.4] };
    this.accuracy.show(() => ({ fill, layout: { yaxis } }));
  }

  frame() {
    for (const { line } of this.lines) line.mark(this.stage.at);
  }

  sayLack(text) {
    this.lack.hidden = !text;
    this.lack.textContent = text ?? "";
    this.accuracy.host.classList.toggle("empty", Boolean(text));
  }

  /** What the charts do not say themselves. */
  say() {
    const said = [...new Set(this.lines.flatMap((line) => line.notes())), this.thinned];
    this.note.textContent = said.filter(Boolean).join(" ");
  }

  /** Both metrics of every run and epoch. */
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
  constructor({ stage, charts }, field, { runs, plotly }) {
    Object.assign(this, { stage, field });
    const options = Object.entries(stage.told.metrics).map(([key, { title }]) => [key, title]);
    const title = menu(stage, field, "", options);
    title.lastChild.ariaLabel = field === "metric" ? "First chart" : "Second chart";
    const [plot, content] = room(charts, field, title);
    const onDraw = () => this.line.draw();
    this.chart = new Chart(plot, curveFigure(runs, lastEpoch(stage.store.runs)), { plotly, onDraw });
    this.line = new EpochLine(content, this.chart, (epoch) => this.toAxis(epoch));
    this.line.onSeek = (value) => stage.send({ type: "seek", epoch: value < 1 && stage.state.log ? 0 : value });
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
    const { title, unit } = stage.told.metrics[metric];
    const last = lastEpoch(stage.store.runs);
    this.known = stage.store.runs.map((run) => (stage.runs.includes(run) ? this.series(run) : null));
    const fill = ({ role, place }) => this.known[place]?.[role];
    const named = title.toLowerCase().includes(unit) ? title : `${title} (${unit})`;
    const yaxis = { title: { text: wrapped(named, this.chart.host.clientHeight) }, tickformat: null, autorange: true };
    const layout = { xaxis: epochAxis(stage.state.log, last), yaxis: { ...yaxis, ...AXES[unit] } };
    this.chart.show(() => ({ fill, layout }));
  }

  series(run) {
    const x = run.curves.epochs.map((epoch) => this.toAxis(epoch));
    const y = valuesOf(run, this.metric);
    const line = { x, y };
    if (this.spread) {
      const deviations = run.curves.column(this.spread);
      const edge = (sign) => y.map((value, i) => value + sign * deviations[i]);
      return { line, band: area(x, edge(-1), edge(1)) };
    }
    const seeds = this.stage.store.band(run, this.metric);
    if (!seeds) return { line };
    return { line, band: area(seeds.epochs.map((epoch) => this.toAxis(epoch)), seeds.low, seeds.high) };
  }

  notes() {
    const { stage, known, metric, spread } = this;
    const isEmpty = (run) => run.table && !known[stage.store.runs.indexOf(run)]?.line.y.some(Number.isFinite);
    const { title } = stage.told.metrics[metric];
    const why = (run) => (run.measures(metric) ? `“${title}” was not recorded.` : NO_PROTOTYPES);
    const lacks = stage.runs.filter(isEmpty).map((run) => `${run.told.label}: ${why(run)}`);
    const hasBand = known.some((series) => series?.band);
    return [hasBand && (spread ? "Band: one standard deviation over pairs." : "Band: range over seeds."), ...lacks];
  }

  toAxis(epoch) {
    return this.stage.state.log ? Math.max(epoch, 0.5) : epoch;
  }
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
