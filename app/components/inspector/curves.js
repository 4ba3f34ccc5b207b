// Any other number over the epochs, a line a run.

import { Chart } from "./chart.js";
import { h, menu, toggle } from "./dom.js";
import { area, epochAxis } from "./formation.js";
import { rmsDeviation } from "./geometry.js";
import { Panel } from "./panel.js";

const TO_PREDICTION = "distance_to_prediction"; // the one metric that is computed here
const PER_CENT = "accuracy";

export class Curves extends Panel {
  constructor(app) {
    super(app, "curves", "Other curves");
  }

  build() {
    const { told } = this.app;
    const options = Object.entries(told.metrics).map(([key, { title }]) => [key, title]);
    this.plot = h("div", { class: "plot wide" });
    const controls = [menu(this.app, "metric", "", options), toggle(this.app, "log", "log epochs")];
    this.body.append(h("div", { class: "controls" }, controls));
    this.addColumns(() => null); // their heads are the legend
    this.body.append(this.plot);
    this.note = this.body.appendChild(h("p", { class: "key" }));
    this.chart = new Chart(this.plot, told.curve, { plotly: told.plotly });
  }

  arrived() {
    const { app } = this;
    const { state, told } = app;
    const { unit, spread } = told.metrics[state.metric] ?? told.metrics.angle_rms_deviation;
    const known = app.store.runs.map((run) => (app.runs.includes(run) ? this.series(run, spread) : null));
    const fill = ({ role, place }) => known[place]?.[role];
    const last = Math.max(1, ...app.store.runs.map((run) => Math.max(run.told.planned, run.epochs.at(-1) ?? 0)));
    const yaxis = { title: { text: unit }, tickformat: unit === PER_CENT ? ".0%" : null, autorange: true };
    this.chart.show(() => ({ fill, layout: { xaxis: epochAxis(state.log, last), yaxis } }));
    const isEmpty = (run) => run.snapshots.size && !known[app.store.runs.indexOf(run)].line.y.some(Number.isFinite);
    const lacking = app.runs.filter(isEmpty);
    this.note.textContent = [
      spread ? "Band: one standard deviation over pairs. " : "",
      known.some((series) => series?.band) && !spread ? "Band: lowest and highest of the group's seeds. " : "",
      lacking.length ? `${lacking.map((run) => run.told.label).join(", ")}: not recorded.` : "",
    ].join("");
  }

  series(run, spread) {
    const { state } = this.app;
    const toAxis = (epoch) => (state.log ? Math.max(epoch, 0.5) : epoch);
    const epochs = run.here;
    const of = (metric) => epochs.map((epoch) => valueOf(run, run.snapshots.get(epoch), metric));
    const x = epochs.map(toAxis);
    const y = of(state.metric);
    const line = { x, y };
    if (spread) {
      const deviations = of(spread);
      const edge = (sign) => y.map((value, i) => value + sign * deviations[i]);
      return { line, band: area(x, edge(-1), edge(1)) };
    }
    const { seeds } = run.told;
    const low = seeds?.low[state.metric];
    return low ? { line, band: area(seeds.epochs.map(toAxis), low, seeds.high[state.metric]) } : { line };
  }
}

function valueOf(run, snapshot, metric) {
  if (metric !== TO_PREDICTION) return snapshot.metrics[metric] ?? null;
  const angles = snapshot.angles("class_means");
  return angles && run.predicted ? rmsDeviation(angles, run.told.classes.counts.length, run.predicted) : null;
}
