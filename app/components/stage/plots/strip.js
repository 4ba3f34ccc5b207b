// Beside a plot of angles over the epochs: the angles of the epoch that is shown, on the same axis.

import { h } from "../core/dom.js";
import { along, dotsOf, drawDegrees, drawDots } from "./dots.js";
import { Sheet } from "./sheet.js";

const [GAP, WIDTH, INSET] = [14, 44, 7]; // pixels

export class Strip extends Sheet {
  constructor(content, chart, kinds, told) {
    const canvas = content.appendChild(h("canvas", { class: "strip", "aria-hidden": "true" }));
    super(canvas, (context) => this.highest && this.drawOn(context));
    Object.assign(this, { content, chart, kinds, told });
  }

  /** @param {number} highest degrees at the top of the axis, as long as the chart has not drawn it; it begins at 0 */
  scale(highest) {
    this.highest = highest;
    this.draw();
  }

  /** @param {?Float32Array} angles (K, K) degrees @param {?(?number)[]} shares their quantiles, which replace them */
  show(angles, shares) {
    Object.assign(this, { dots: angles && !shares ? dotsOf(angles, this.kinds) : [], shares, isShown: true });
    this.draw();
  }

  /** Draw with any 2D context, in pixels from the content's top left. */
  drawOn(context) {
    const { top, bottom, right, highest } = this.chart.frame;
    const { neutral, groups } = this.told;
    const left = right + GAP;
    const sides = [left + INSET, left + WIDTH - INSET];
    const axis = { zero: bottom, end: top, highest: highest ?? this.highest, sides, upright: true };
    if (!this.isShown) return;
    Object.assign(context, { strokeStyle: neutral, globalAlpha: 0.5, lineWidth: 1 });
    context.strokeRect(left, top, WIDTH, bottom - top);
    context.globalAlpha = 1;
    if (this.shares?.every(Number.isFinite)) this.drawShares(context, axis);
    else drawDots(context, axis, this.dots, { colours: groups });
    if (highest !== null) return; // the chart has brought its own axis
    drawDegrees(context, axis, { beside: left - 6, font: `13px ${this.theme.font}`, colour: this.theme.text });
  }

  /** Nine tenths, half and the median, in the greys of the plot beside. */
  drawShares(context, axis) {
    const [least, low, median, high, most] = this.shares.map((angle) => along(axis, angle));
    const [left, right] = axis.sides;
    const fill = (from, height, opacity) => {
      Object.assign(context, { fillStyle: this.told.neutral, globalAlpha: opacity });
      context.fillRect(left, from, right - left, height);
    };
    fill(most, Math.max(1, least - most), 0.16);
    fill(high, Math.max(1, low - high), 0.38);
    fill(median - 1, 2, 1);
  }
}
