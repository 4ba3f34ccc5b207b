// What stands around the samples: the unit sphere, the regular simplex, trails, marks of the classes and their names.

import { Labels } from "./labels.js";
import { circle, stroke } from "./pen.js";
import { Cloud } from "./view.js";

const FEW = 20; // classes; with more, marks are smaller, and the simplex's edges would hide the picture
const MOVING = ["prototypes", "classifier", "means"]; // the last lies on top
const FIXED = ["simplex", "predicted"];
const KINDS = [...FIXED, ...MOVING];

// Marks of the classes, one shape a kind: they differ without their colours too.
const disc = (path, size) => circle(path, 0, 0, size);
const polygon = (...corners) => (path, size) => {
  corners.forEach(([x, y], i) => path[i ? "lineTo" : "moveTo"](size * x, size * y));
  path.closePath();
};
const cross = (path, size) => {
  path.moveTo(-size, -size);
  path.lineTo(size, size);
  path.moveTo(size, -size);
  path.lineTo(-size, size);
};

const MARKS = {
  means: { outline: disc, size: 5.5, filled: true },
  prototypes: { outline: polygon([0, -1], [1, 0], [0, 1], [-1, 0]), size: 6.5, filled: true },
  classifier: { outline: polygon([0, -1], [0.95, 0.65], [-0.95, 0.65]), size: 6.5, filled: true },
  simplex: { outline: polygon([-1, -1], [1, -1], [1, 1], [-1, 1]), size: 4.75, filled: false },
  predicted: { outline: cross, size: 4.5, filled: false },
};

/** Draws on the canvases under and over the samples. Shapes are those of `Points`. */
export class Overlay {
  layers = new Set();
  colours = [];
  labels = new Labels();
  clouds = Object.fromEntries(KINDS.map((kind) => [kind, new Cloud()]));
  trail = new Cloud();

  constructor(view) {
    this.view = view;
  }

  setEpochs(a, b, dims) {
    for (const kind of MOVING) this.clouds[kind].set(a[kind], b[kind], dims);
    if (a === this.epoch) return;
    this.epoch = a;
    const past = a.trail ?? [];
    const joined = new Float32Array(past.reduce((length, means) => length + means.length, 0));
    past.forEach((means, i) => joined.set(means, i * means.length));
    this.trail.set(joined, null, dims);
  }

  setFixed(fixed, dims) {
    for (const kind of FIXED) this.clouds[kind].set(fixed[kind], null, dims);
  }

  drawUnder(context, theme) {
    const { view, clouds } = this;
    circle(context, view.width / 2, view.height / 2, view.radius);
    stroke(context, theme.line, 1);
    if (!this.layers.has("simplex") || clouds.simplex.count > FEW) return;
    clouds.simplex.place(view, 0);
    drawEdges(context, theme, clouds.simplex);
  }

  drawOver(context, theme, fraction) {
    const { clouds, layers, colours, view } = this;
    for (const kind of KINDS) clouds[kind].place(view, fraction);
    if (layers.has("trails")) this.drawTrails(context);
    const scale = colours.length > FEW ? 0.65 : 1;
    for (const kind of KINDS) {
      const { count, screen } = clouds[kind];
      for (let k = 0; layers.has(kind) && k < count; k++) {
        const [x, y] = [screen[2 * k], screen[2 * k + 1]];
        if (!Number.isNaN(x)) drawMark(context, kind, x, y, colours[k], theme, scale);
      }
    }
    if (layers.has("means")) this.drawLabels(context, theme);
  }

  /** The means' ways through the past epochs to where they are now, fainter the longer ago. */
  drawTrails(context) {
    const { trail, view, clouds } = this;
    const classes = clouds.means.count;
    const epochs = classes ? trail.count / classes : 0;
    trail.place(view, 0);
    context.lineWidth = 1.75;
    context.lineJoin = "round";
    const steps = classes > FEW ? 2 : 6; // of fading
    for (let step = 0; step < steps; step++) {
      const first = Math.floor((epochs * step) / steps);
      const last = Math.floor((epochs * (step + 1)) / steps);
      context.globalAlpha = 0.15 + (0.7 * (step + 1)) / steps;
      for (let k = 0; k < classes; k++) {
        context.strokeStyle = this.colours[k];
        context.beginPath();
        for (let t = first; t < last; t++) lineTo(context, trail.screen, t * classes + k);
        if (last < epochs) lineTo(context, trail.screen, last * classes + k);
        else lineTo(context, clouds.means.screen, k);
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }

  drawLabels(context, theme) {
    const { labels, clouds, layers, view } = this;
    const others = KINDS.filter((kind) => kind !== "means" && layers.has(kind)).map((kind) => clouds[kind].screen);
    context.font = `500 12px ${theme.font}`;
    context.textBaseline = "middle";
    labels.arrange(context, clouds.means.screen, others, view);
    labels.write((text, left, top, width, height) => {
      context.globalAlpha = 0.8;
      context.fillStyle = theme.paper;
      context.fillRect(left - 2, top, width + 4, height);
      context.globalAlpha = 1;
      context.fillStyle = theme.text;
      context.fillText(text, left, top + height / 2 + 0.5);
    });
  }
}

function drawMark(context, kind, x, y, colour, theme, scale) {
  const { outline, size, filled } = MARKS[kind];
  context.save();
  context.translate(x, y);
  context.beginPath();
  outline(context, scale * size);
  context.lineJoin = "round";
  context.lineCap = "round";
  context.fillStyle = colour;
  stroke(context, theme.paper, filled ? 3.5 : 4.5);
  if (filled) context.fill();
  stroke(context, filled ? theme.text : colour, filled ? 1 : 1.75);
  context.restore();
}

function lineTo(context, screen, i) {
  if (!Number.isNaN(screen[2 * i])) context.lineTo(screen[2 * i], screen[2 * i + 1]);
}

function drawEdges(context, theme, { count, screen, depth }) {
  context.strokeStyle = theme.quiet;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      context.globalAlpha = 0.34 + 0.1 * (depth[i] + depth[j]);
      context.beginPath();
      context.moveTo(screen[2 * i], screen[2 * i + 1]);
      context.lineTo(screen[2 * j], screen[2 * j + 1]);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

/** A ring around what is pointed at, a sample of so many pixels' radius or a class. */
export function drawHover(context, theme, kind, [x, y], dotRadius) {
  const radius = kind === "class" ? MARKS.means.size + 4 : dotRadius + 3.5;
  circle(context, x, y, radius);
  stroke(context, theme.paper, 4.5);
  stroke(context, theme.text, 2);
}

/** The outline that a lasso or box has drawn so far, (m, 2) pixels row-major. */
export function drawOutline(context, theme, path) {
  context.beginPath();
  for (let i = 0; i < path.length; i += 2) context.lineTo(path[i], path[i + 1]);
  context.closePath();
  context.fillStyle = theme.accent;
  context.globalAlpha = 0.1;
  context.fill();
  context.globalAlpha = 1;
  stroke(context, theme.accent, 1.5);
}
