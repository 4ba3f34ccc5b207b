// Charts whose axis is epochs: what the axis is like, and over it a line where the clock stands, by which one seeks.

import { h } from "../core/dom.js";

const FEW = 5;
const WIDTH = 2; // pixels, whole ones: else it is now one wide, now two
const BEFORE = 0.5; // where epoch 0 stands on a logarithmic axis

export class EpochLine {
  constructor(stage, content, chart) {
    Object.assign(this, { stage, content, chart });
    this.line = content.appendChild(h("i", { class: "epoch-line", "aria-hidden": "true" }));
    content.addEventListener("click", (event) => this.seek(event));
  }

  seek({ clientX }) {
    const { stage, chart, content } = this;
    const value = chart.valueAt(clientX - content.getBoundingClientRect().left);
    const isFirst = stage.state.log && value < 2 * BEFORE;
    if (value !== null) stage.send({ type: "seek", epoch: isFirst ? 0 : value });
  }

  /** Pixels from the content's left; null where there is no epoch, or the axes do not stand yet. */
  get x() {
    const { stage, chart } = this;
    const { epoch, next, fraction } = stage.at;
    const here = epoch === null ? null : chart.at(onAxis(stage.state, epoch));
    return here === null ? null : here + fraction * (chart.at(onAxis(stage.state, next)) - here);
  }

  draw() {
    const { x, line } = this;
    const { top, bottom } = this.chart.frame;
    line.hidden = x === null;
    const style = { width: `${WIDTH}px`, top: `${top}px`, height: `${Math.max(0, bottom - top)}px` };
    Object.assign(line.style, style, { transform: `translateX(${(x ?? 0) - WIDTH / 2}px)` });
  }

  /** Draw with any 2D context, in pixels from the content's top left. */
  drawOn(context) {
    const { x } = this;
    const { top, bottom } = this.chart.frame;
    if (x === null) return;
    context.fillStyle = getComputedStyle(this.content).color;
    context.fillRect(x - WIDTH / 2, top, WIDTH, bottom - top);
  }
}

export function onAxis({ log }, epoch) {
  return log ? Math.max(epoch, BEFORE) : epoch;
}

export function lastEpoch(runs) {
  return Math.max(1, ...runs.map((run) => Math.max(run.about?.planned ?? 1, run.epochs.at(-1) ?? 0)));
}

/** Plotly's settings for an axis of epochs from 0 to the last. */
export function epochAxis({ log }, last) {
  // Of few epochs each has its tick: there is no half epoch.
  const few = last <= FEW ? Array.from({ length: last + 1 }, (_, epoch) => epoch) : null;
  if (!log) return { type: "linear", range: [0, last], tickvals: few, ticktext: few?.map(String) ?? null };
  const ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000].filter((tick) => tick <= last);
  return {
    type: "log",
    range: [Math.log10(BEFORE), Math.log10(last)],
    tickvals: [BEFORE, ...ticks],
    ticktext: ["0", ...ticks.map(String)],
  };
}

export function between(x, low, high) {
  return { x: [...x, ...x.toReversed()], y: [...high, ...low.toReversed()] };
}
