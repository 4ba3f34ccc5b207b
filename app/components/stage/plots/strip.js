// Over a plot of angles: a line at the current epoch, and beside it the angles of that epoch on the same axis.

import { h } from "../core/dom.js";
import { along, dotsOf, drawDegrees, drawDots } from "./dots.js";
import { Sheet } from "./sheet.js";

const [GAP, WIDTH, INSET] = [14, 44, 7]; // pixels

export class Strip extends Sheet {
  constructor(content, chart, { kinds, told }) {
    const canvas = content.appendChild(h("canvas", { class: "strip", "aria-hidden": "true" }));
    super(canvas, (context) => this.highest && this.drawOn(context));
    Object.assign(this, { content, chart, kinds, told });
    content.addEventListener("pointerdown", (event) => this.seek(event));
    content.addEventListener("pointermove", (event) => event.buttons === 1 && this.seek(event));
  }

  seek(event) {
    const box = this.content.getBoundingClientRect();
    const value = this.chart.valueAt("xaxis", event.clientX - box.left);
    if (value !== null) this.onSeek(value);
  }

  /** @param {number} highest degrees at the top of the axis, as long as the chart has not drawn it; it begins at 0 */
  scale(highest) {
    this.highest = highest;
    this.draw();
  }

  /** Drawn with the next `mark`. @param {?Float32Array} angles (K, K) degrees of the epoch that is shown */
  showPairs(angles) {
    Object.assign(this, { dots: angles ? dotsOf(angles, this.kinds) : [], shares: null });
  }

  /** Drawn with the next `mark`. @param {(?number)[]} shares degrees below which 5, 25, 50, 75 and 95 % of all pairs are */
  showShares(shares) {
    Object.assign(this, { dots: null, shares });
  }

  /** @param {{epoch: ?number, next: ?number, fraction: number}} at where the clock stands */
  mark(at) {
    this.where = at;
    this.draw();
  }

  /** Draw with any 2D context, in pixels from the content's top left. */
  drawOn(context) {
    const { chart, where, told, theme } = this;
    const { top, bottom, right, highest } = chart.frame;
    const left = right + GAP;
    const sides = [left + INSET, left + WIDTH - INSET];
    const axis = { zero: bottom, end: top, highest: highest ?? this.highest, sides, upright: true };
    const here = where && where.epoch !== null ? chart.at("xaxis", this.toAxis(where.epoch)) : null;
    if (here !== null) {
      const x = here + where.fraction * (chart.at("xaxis", this.toAxis(where.next)) - here);
      context.strokeStyle = theme.text;
      context.lineWidth = 1.5;
      context.beginPath();
      context.moveTo(x, top);
      context.lineTo(x, bottom);
      context.stroke();
    }
    if (!this.dots && !this.shares) return;
    context.strokeStyle = told.neutral;
    context.globalAlpha = 0.5;
    context.lineWidth = 1;
    context.strokeRect(left, top, WIDTH, bottom - top);
    context.globalAlpha = 1;
    if (this.dots) drawDots(context, axis, this.dots, { colours: told.groups });
    else if (this.shares.every(Number.isFinite)) this.drawShares(context, axis);
    if (highest !== null) return; // the chart has brought its own axis
    drawDegrees(context, axis, { beside: left - 6, font: `13px ${theme.font}`, colour: theme.text });
  }

  /** Nine tenths, half and the median, in the greys of the plot beside. */
  drawShares(context, axis) {
    const [least, low, median, high, most] = this.shares.map((angle) => along(axis, angle));
    const [left, width] = [axis.sides[0], axis.sides[1] - axis.sides[0]];
    context.fillStyle = this.told.neutral;
    context.globalAlpha = 0.16;
    context.fillRect(left, most, width, Math.max(1, least - most));
    context.globalAlpha = 0.38;
    context.fillRect(left, high, width, Math.max(1, low - high));
    context.globalAlpha = 1;
    context.fillRect(left, median - 1, width, 2);
  }
}
