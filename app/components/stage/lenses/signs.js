// The legend of a lens: signs as they are drawn in its pictures, each with two or three words.

import { h } from "../core/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [22, 12];
const INK = "currentColor";

/** A line as wide as it is drawn. @param {string} dasharray of SVG */
export function line(stroke, width, { dash = "", opacity = 1 } = {}) {
  return drawn("path", { d: `M0 6H${WIDTH}`, stroke, "stroke-width": width, "stroke-dasharray": dash, opacity });
}

export function dot(fill) {
  return drawn("circle", { cx: 11, cy: 6, r: 4.5, fill });
}

const OUTLINES = {
  circle: "M15.5 6a4.5 4.5 0 1 1-9 0a4.5 4.5 0 1 1 9 0z",
  square: "M7 2h8v8h-8z",
  diamond: "M11 0.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
  "triangle-up": "M11 1l5 9h-10z",
  x: "M7 3.5l1.5-1.5l2.5 2.5l2.5-2.5l1.5 1.5l-2.5 2.5l2.5 2.5l-1.5 1.5l-2.5-2.5l-2.5 2.5l-1.5-1.5l2.5-2.5z",
};

/** A chart's symbol, by Plotly's name. */
export function symbol(name, fill) {
  return drawn("path", { d: OUTLINES[name], fill });
}

export function ring(stroke = INK) {
  return drawn("circle", { cx: 11, cy: 6, r: 4, fill: "none", stroke, "stroke-width": 2.25 });
}

/** @param {string} fill a colour, or a gradient's stops @param {string} stripes a colour of stripes over it */
export function area(fill, { opacity = 1, stripes = null } = {}) {
  const box = drawn("rect", { x: 1, y: 0, width: WIDTH - 2, height: HEIGHT, fill, opacity });
  if (stripes) box.append(node("path", { d: "M2 12L10 0M8 12L16 0M14 12L21 1", stroke: stripes, "stroke-width": 1.5 }));
  return box;
}

/** A path in a square of 16, as icons are, in the text's colour. */
export function mark(d, filled = true) {
  const look = filled ? { fill: INK } : { fill: "none", stroke: INK, "stroke-width": 1.75 };
  const svg = drawn("path", { d, ...look });
  svg.setAttribute("viewBox", "-3 0 22 16");
  return svg;
}

/** @param {[SVGElement, string][]} items those that are null are left out */
export function legendOf(items) {
  return items.filter(Boolean).map(([sign, text]) => h("span", { class: "sign" }, sign, h("span", {}, text)));
}

function drawn(tag, look) {
  const svg = node("svg", { width: WIDTH, height: HEIGHT, "aria-hidden": "true" });
  svg.append(node(tag, look));
  return svg;
}

function node(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
