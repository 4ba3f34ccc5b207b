// Over a plot of angles: a line at the current epoch, and beside it the angles of that epoch on the same axis.

import { h } from "./dom.js";

const DOTS_UP_TO = 200; // pairs; beyond, how many there are at each angle
const BINS = 60;
const [GAP, WIDTH] = [14, 44]; // pixels

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

  /** @param {Float32Array} angles (K, K) degrees of the epoch that is shown */
  show(angles) {
    const K = this.kinds.length;
    this.dots = [];
    for (let i = 0; i < K; i++) {
      for (let j = 0; j < i; j++) {
        const angle = angles[i * K + j];
        if (Number.isFinite(angle)) this.dots.push({ angle, kind: kindOfPair(this.kinds, i, j) });
      }
    }
    this.draw();
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
    const { canvas, chart } = this;
    const { clientWidth: width, clientHeight: height } = this.content;
    if (!width || chart.at("xaxis", 1) === null) return;
    const ratio = devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.drawOn(context);
  }

  /** Draw with any 2D context, in pixels from the content's top left. */
  drawOn(context) {
    const { chart, where, told } = this;
    const { xaxis, yaxis } = chart.host._fullLayout;
    const [top, bottom, right] = [yaxis._offset, yaxis._offset + yaxis._length, xaxis._offset + xaxis._length];
    if (where?.epoch !== null && where !== undefined) {
      const here = chart.at("xaxis", this.toAxis(where.epoch));
      const x = here + where.fraction * (chart.at("xaxis", this.toAxis(where.next)) - here);
      context.strokeStyle = getComputedStyle(this.content).color;
      context.lineWidth = 1.5;
      context.beginPath();
      context.moveTo(x, top);
      context.lineTo(x, bottom);
      context.stroke();
    }
    if (!this.dots) return;
    context.strokeStyle = told.neutral;
    context.globalAlpha = 0.5;
    context.lineWidth = 1;
    context.strokeRect(right + GAP, top, WIDTH, bottom - top);
    context.globalAlpha = 1;
    if (this.dots.length > DOTS_UP_TO) this.drawShare(context, right + GAP, top, bottom);
    else this.drawDots(context, right + GAP);
  }

  drawDots(context, left) {
    this.dots.forEach(({ angle, kind }, i) => {
      const x = left + 7 + (((i + 1) * 0.618034) % 1) * (WIDTH - 14); // golden ratio: neighbours stand apart
      context.fillStyle = this.told.groups[kind];
      context.globalAlpha = kind === "medium" ? 0.6 : 1;
      context.beginPath();
      context.arc(x, this.chart.at("yaxis", angle), kind === "tail" ? 4 : 2.8, 0, 2 * Math.PI);
      context.fill();
    });
    context.globalAlpha = 1;
  }

  drawShare(context, left) {
    const top = this.chart.host._fullLayout.yaxis.range[1];
    const bins = new Float32Array(BINS);
    for (const { angle } of this.dots) bins[Math.min(BINS - 1, Math.floor((angle / top) * BINS))]++;
    const most = Math.max(...bins);
    context.fillStyle = this.told.neutral;
    bins.forEach((count, i) => {
      const y = this.chart.at("yaxis", ((i + 1) / BINS) * top);
      const height = this.chart.at("yaxis", (i / BINS) * top) - y;
      context.fillRect(left, y, (count / most) * WIDTH, Math.max(1, height - 0.5));
    });
  }

  destroy() {
    this.canvas.remove();
  }
}

/** The group that both classes are in; otherwise a pair counts as medium. @param {string[]} kinds (K,) of each class */
export function kindOfPair(kinds, i, j) {
  return kinds[i] === kinds[j] ? kinds[i] : "medium";
}
