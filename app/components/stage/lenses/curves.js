// Any other number over the epochs, a line a run.

import { Chart } from "../plots/chart.js";
import { h, menu, toggle } from "../core/dom.js";
import { curveFigure } from "../plots/figures.js";
import { area, epochAxis, lastEpoch } from "./formation.js";
import { matching } from "../core/fields.js";
import { Lens } from "./lens.js";

const PER_CENT = "accuracy";

export class Curves extends Lens {
  static key = "curves";
  static title = "Curves";
  static views = false;
  static fields = {
    metric: matching("angle_rms_deviation", /^[a-z0-9_]{1,40}$/), // Python knows which there are
  };

  build() {
    const { store, told } = this.stage;
    const options = Object.entries(told.metrics).map(([key, { title }]) => [key, title]);
    this.plot = h("div", { class: "plot wide" });
    const controls = [menu(this.stage, "metric", "", options), toggle(this.stage, "log", "log epochs")];
    this.side.append(h("div", { class: "controls" }, controls));
    this.addColumns(() => null); // their heads are the legend
    this.picture.append(this.plot);
    this.note = this.side.appendChild(h("p", { class: "key" }));
    const figure = curveFigure(store.runs.map((run) => run.told), lastEpoch(store.runs));
    this.chart = new Chart(this.plot, figure, { plotly: told.plotly });
  }

  arrived() {
    const { stage } = this;
    const { state, told } = stage;
    const { unit, spread } = told.metrics[state.metric] ?? told.metrics.angle_rms_deviation;
    const known = stage.store.runs.map((run) => (stage.runs.includes(run) ? this.series(run, spread) : null));
    const fill = ({ role, place }) => known[place]?.[role];
    const last = lastEpoch(stage.store.runs);
    const yaxis = { title: { text: unit }, tickformat: unit === PER_CENT ? ".0%" : null, autorange: true };
    this.chart.show(() => ({ fill, layout: { xaxis: epochAxis(state.log, last), yaxis } }));
    const isEmpty = (run) => run.table && !known[stage.store.runs.indexOf(run)].line.y.some(Number.isFinite);
    const lacking = stage.runs.filter(isEmpty);
    this.note.textContent = [
      spread ? "Band: one standard deviation over pairs. " : "",
      known.some((series) => series?.band) && !spread ? "Band: lowest and highest of the group's seeds. " : "",
      lacking.length ? `${lacking.map((run) => run.told.label).join(", ")}: not recorded.` : "",
    ].join("");
  }

  series(run, spread) {
    const { state } = this.stage;
    const toAxis = (epoch) => (state.log ? Math.max(epoch, 0.5) : epoch);
    const { curves } = run;
    const x = curves.epochs.map(toAxis);
    const y = curves.column(state.metric);
    const line = { x, y };
    if (spread) {
      const deviations = curves.column(spread);
      const edge = (sign) => y.map((value, i) => value + sign * deviations[i]);
      return { line, band: area(x, edge(-1), edge(1)) };
    }
    const seeds = this.stage.store.band(run, state.metric);
    return seeds ? { line, band: area(seeds.epochs.map(toAxis), seeds.low, seeds.high) } : { line };
  }
}
