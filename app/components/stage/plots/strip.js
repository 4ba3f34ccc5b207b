// Over a plot of angles: a line at the current epoch, and beside it the angles of that epoch on the same axis.

import { h } from "../core/dom.js";

const [GAP, WIDTH] = [14, 44]; // pixels

export const TICK = 30; // degrees

export class Strip {
  constructor(content, chart, { kinds, told }) {
    Object.assign(this, { content, chart, kinds, told });
    this.canvas = content.appendChild(h("canvas", { class: "strip", "aria-hidden": "true" }));
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
    const K = this.kinds.length;
    Object.assign(this, { dots: [], shares: null });
    for (let i = 0; angles && i < K; i++) {
      for (let j = 0; j < i; j++) {
        const angle = angles[i * K + j];
        if (Number.isFinite(angle)) this.dots.push({ angle, kind: kindOfPair(this.kinds, i, j) });
      }
    }
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

  retheme() {
    this.draw();
  }

  /** Draw, also where the axes have moved. */
  draw() {
    const { canvas } = this;
    const { clientWidth: width, clientHeight: height } = this.content;
    if (!width || !this.highest) return;
    const ratio = devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d", { willReadFrequently: true }); // by the processor: see surface.js
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.drawOn(context);
  }

  /** Draw with any 2D context, in pixels from the content's top left. */
  drawOn(context) {
    const { chart, where, told } = this;
    const { top, bottom, right, highest } = chart.frame;
    const scale = { left: right + GAP, highest: highest ?? this.highest };
    scale.y = (angle) => bottom - (angle / scale.highest) * (bottom - top);
    const here = where && where.epoch !== null ? chart.at("xaxis", this.toAxis(where.epoch)) : null;
    if (here !== null) {
      const x = here + where.fraction * (chart.at("xaxis", this.toAxis(where.next)) - here);
      context.strokeStyle = getComputedStyle(this.content).color;
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
    context.strokeRect(scale.left, top, WIDTH, bottom - top);
    context.globalAlpha = 1;
    if (this.dots) this.drawDots(context, scale);
    else if (this.shares.every(Number.isFinite)) this.drawShares(context, scale);
    if (highest === null) this.drawDegrees(context, scale);
  }

  /** The axis, as long as the chart has not brought its own. */
  drawDegrees(context, { left, highest, y }) {
    const { color, fontFamily } = getComputedStyle(this.content);
    Object.assign(context, { fillStyle: color, font: `13px ${fontFamily}`, textAlign: "right", textBaseline: "middle" });
    for (let angle = 0; angle <= highest; angle += TICK) context.fillText(`${angle}°`, left - 6, y(angle));
  }

  drawDots(context, { left, y }) {
    this.dots.forEach(({ angle, kind }, i) => {
      const x = left + 7 + (((i + 1) * 0.618034) % 1) * (WIDTH - 14); // golden ratio: neighbours stand apart
      context.fillStyle = this.told.groups[kind];
      context.globalAlpha = kind === "medium" ? 0.6 : 1;
      context.beginPath();
      context.arc(x, y(angle), kind === "tail" ? 4 : 2.8, 0, 2 * Math.PI);
      context.fill();
    });
    context.globalAlpha = 1;
  }

  /** Nine tenths, half and the median, in the greys of the plot beside. */
  drawShares(context, { left, y }) {
    const [least, low, median, high, most] = this.shares.map(y);
    context.fillStyle = this.told.neutral;
    context.globalAlpha = 0.16;
    context.fillRect(left + 7, most, WIDTH - 14, Math.max(1, least - most));
    context.globalAlpha = 0.38;
    context.fillRect(left + 7, high, WIDTH - 14, Math.max(1, low - high));
    context.globalAlpha = 1;
    context.fillRect(left + 7, median - 1, WIDTH - 14, 2);
  }

  destroy() {
    this.canvas.remove();
  }
}

/** The group that both classes are in; otherwise a pair counts as medium. @param {string[]} kinds (K,) of each class */
export function kindOfPair(kinds, i, j) {
  return kinds[i] === kinds[j] ? kinds[i] : "medium";
}
