// Over a chart whose axis is epochs: a line where the clock stands, and a way to seek.

import { h } from "../core/dom.js";

const WIDTH = 1.5; // pixels

export class EpochLine {
  /** @param {(epoch: number) => number} toAxis an epoch's place on the chart's axis */
  constructor(content, chart, toAxis) {
    Object.assign(this, { content, chart, toAxis });
    this.canvas = content.appendChild(h("i", { class: "epoch-line", "aria-hidden": "true" }));
    content.addEventListener("click", ({ clientX }) => {
      const value = chart.valueAt("xaxis", clientX - content.getBoundingClientRect().left);
      if (value !== null) this.onSeek(value);
    });
  }

  /** @param {{epoch: ?number, next: ?number, fraction: number}} at where the clock stands */
  mark(at) {
    this.where = at;
    this.draw();
  }

  retheme() {}

  /** Pixels from the content's left; null where there is no epoch, or the axes do not stand yet. */
  get x() {
    const { where, chart } = this;
    const here = where && where.epoch !== null ? chart.at("xaxis", this.toAxis(where.epoch)) : null;
    return here === null ? null : here + where.fraction * (chart.at("xaxis", this.toAxis(where.next)) - here);
  }

  draw() {
    const { x, canvas } = this;
    const { top, bottom } = this.chart.frame;
    canvas.hidden = x === null;
    const style = { width: `${WIDTH}px`, top: `${top}px`, height: `${Math.max(0, bottom - top)}px` };
    Object.assign(canvas.style, style, { transform: `translateX(${(x ?? 0) - WIDTH / 2}px)` });
  }

  /** Draw with any 2D context, in pixels from the content's top left. */
  drawOn(context) {
    const { x } = this;
    const { top, bottom } = this.chart.frame;
    if (x === null) return;
    context.fillStyle = getComputedStyle(this.content).color;
    context.fillRect(x - WIDTH / 2, top, WIDTH, bottom - top);
  }

  destroy() {
    this.canvas.remove();
  }
}
