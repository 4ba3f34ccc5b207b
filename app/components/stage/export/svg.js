// A 2D drawing context that writes SVG: of a canvas context it has what the stage's pictures call, and no more.

import { escaped } from "./words.js";

const STATE = {
  fillStyle: "#000",
  strokeStyle: "#000",
  lineWidth: 1,
  lineJoin: "miter",
  lineCap: "butt",
  globalAlpha: 1,
  font: "10px sans-serif",
  textAlign: "left",
  textBaseline: "alphabetic",
};
const ANCHORS = { left: "start", center: "middle", right: "end" };
const WEIGHT_SIZE_FAMILY = /^(?:(\w+) )?([\d.]+)px (.+)$/;
const MIDDLE = 0.35; // of the letters' size, from their middle down to the line that they stand on

let made = 0; // gradients: pictures that are put into one another do not share their names

export class SvgContext {
  marks = [];
  gradients = [];
  moves = ""; // the translations and turns in force
  path = []; // subpaths as SVG writes them, or a whole circle
  kept = [];

  /** @param {(text: string, font: string) => number} widthOf how wide a text is, in pixels */
  constructor(widthOf) {
    Object.assign(this, STATE, { widthOf });
  }

  save() {
    this.kept.push([this.moves, Object.fromEntries(Object.keys(STATE).map((name) => [name, this[name]]))]);
  }

  restore() {
    const [moves, state] = this.kept.pop();
    Object.assign(this, state, { moves });
  }

  translate(x, y) {
    this.moves += `translate(${short(x)} ${short(y)})`;
  }

  rotate(radians) {
    this.moves += `rotate(${short((180 / Math.PI) * radians)})`;
  }

  beginPath() {
    this.path = [];
  }

  moveTo(x, y) {
    this.path.push(`M${short(x)} ${short(y)}`);
  }

  lineTo(x, y) {
    this.path.push(`${this.path.length ? "L" : "M"}${short(x)} ${short(y)}`);
  }

  closePath() {
    this.path.push("Z");
  }

  /** A whole circle: nothing here draws less of one. */
  arc(x, y, radius) {
    this.path = { cx: x, cy: y, r: radius };
  }

  fill() {
    this.outline(this.ink);
  }

  stroke() {
    this.outline(this.pen);
  }

  fillRect(x, y, width, height) {
    this.add("rect", { x, y, width, height, ...this.ink });
  }

  strokeRect(x, y, width, height) {
    this.add("rect", { x, y, width, height, ...this.pen });
  }

  fillText(text, x, y) {
    const [, weight, size, family] = WEIGHT_SIZE_FAMILY.exec(this.font);
    const down = this.textBaseline === "middle" ? MIDDLE * size : 0;
    const letters = { "font-family": family, "font-size": Number(size), "font-weight": weight ?? "normal" };
    // Where its font is missing, another one takes the same room.
    const textLength = this.widthOf(text, this.font);
    const room = { "xml:space": "preserve", textLength, lengthAdjust: "spacingAndGlyphs" };
    const look = { "text-anchor": ANCHORS[this.textAlign], ...this.ink };
    this.add("text", { x, y: y + down, ...letters, ...room, ...look }, escaped(text));
  }

  measureText(text) {
    return { width: this.widthOf(text, this.font) };
  }

  /** A gradient along x, in the picture's own pixels. */
  createLinearGradient(x1, y1, x2, y2) {
    const gradient = { id: `bcl-gradient-${made++}`, ends: { x1, y1, x2, y2 }, stops: [] };
    gradient.addColorStop = (offset, colour) => {
      gradient.stops.push(`<stop offset="${offset}" stop-color="${escaped(colour)}"/>`);
    };
    gradient.toString = () => `url(#${gradient.id})`;
    this.gradients.push(gradient);
    return gradient;
  }

  /** Put in another SVG document, at a place. @param {string} svg its text, from "<svg" on */
  insert(svg, x, y) {
    this.marks.push(svg.replace(/<svg\b/, `<svg x="${short(x)}" y="${short(y)}"`));
  }

  /** The picture so far. @param {string} paper its background @param {string} title what it shows */
  text(width, height, paper, title) {
    const size = attributes({ width, height, viewBox: `0 0 ${short(width)} ${short(height)}` });
    const gradients = this.gradients.map(({ id, ends, stops }) =>
      `<linearGradient id="${id}" gradientUnits="userSpaceOnUse"${attributes(ends)}>${stops.join("")}</linearGradient>`,
    );
    return [
      `<svg xmlns="http://www.w3.org/2000/svg"${size} role="img">`,
      `<title>${escaped(title)}</title>`,
      `<defs>${gradients.join("")}</defs>`,
      `<rect width="100%" height="100%" fill="${escaped(paper)}"/>`,
      ...this.marks,
      "</svg>",
    ].join("\n");
  }

  get ink() {
    return { fill: this.fillStyle, "fill-opacity": this.globalAlpha };
  }

  get pen() {
    const { lineWidth, lineJoin, lineCap, strokeStyle, globalAlpha } = this;
    const pen = { fill: "none", stroke: strokeStyle, "stroke-width": lineWidth, "stroke-opacity": globalAlpha };
    return { ...pen, "stroke-linejoin": lineJoin, "stroke-linecap": lineCap };
  }

  outline(look) {
    const { path } = this;
    if (!Array.isArray(path)) this.add("circle", { ...path, ...look });
    else if (path.length) this.add("path", { d: path.join(""), ...look });
  }

  add(tag, values, content = "") {
    const place = this.moves ? { transform: this.moves } : {};
    this.marks.push(`<${tag}${attributes({ ...values, ...place })}${content ? `>${content}</${tag}>` : "/>"}`);
  }
}

const DEFAULTS = { "fill-opacity": 1, "stroke-opacity": 1, "stroke-linejoin": "miter", "stroke-linecap": "butt" };

function attributes(values) {
  const written = Object.entries(values).filter(([name, value]) => DEFAULTS[name] !== value);
  const text = (value) => (typeof value === "number" ? short(value) : escaped(value));
  return written.map(([name, value]) => ` ${name}="${text(value)}"`).join("");
}

function short(value) {
  return String(Math.round(100 * value) / 100);
}
