// The legend of a lens: signs as they are drawn in its pictures, each with two or three words.

import { drawing, filled, h, icon } from "../core/dom.js";

const SIZE = { width: 22, height: 12 };
export const DOTTED = "1.5 3"; // of lines that say what is predicted
const OUTLINES = {
  circle: "M15.5 6a4.5 4.5 0 1 1-9 0a4.5 4.5 0 1 1 9 0z",
  square: "M7 2h8v8h-8z",
  diamond: "M11 0.5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
  "triangle-up": "M11 1l5 9h-10z",
  x: "M7 3.5l1.5-1.5l2.5 2.5l2.5-2.5l1.5 1.5l-2.5 2.5l2.5 2.5l-1.5 1.5l-2.5-2.5l-2.5 2.5l-1.5-1.5l2.5-2.5z",
};

/** A line as wide as it is drawn. @param {string} dasharray of SVG */
export function line(stroke, width, { dash = "", opacity = 1 } = {}) {
  return sign("path", { d: "M0 6H22", stroke, "stroke-width": width, "stroke-dasharray": dash, opacity });
}

/** A chart's symbol, by Plotly's name. */
export function symbol(name, fill) {
  return sign("path", { d: OUTLINES[name], fill });
}

export function dot(fill) {
  return symbol("circle", fill);
}

export function ring() {
  return sign("circle", { cx: 11, cy: 6, r: 4, fill: "none", stroke: "currentColor", "stroke-width": 2.25 });
}

export function area(fill, opacity = 1) {
  return sign("rect", { x: 1, y: 0, width: 20, height: 12, fill, opacity });
}

export function striped(colour) {
  const stripes = sign("path", { d: "M2 12L10 0M8 12L16 0M14 12L21 1", stroke: colour, "stroke-width": 1.5 });
  return filled(area(colour, 0.3), {}, [stripes.firstChild]);
}

/** A path in a square of 16, as icons are. */
export function mark(path, isFilled) {
  return filled(icon(path, isFilled), { ...SIZE, viewBox: "-3 0 22 16" });
}

/** @param {[SVGElement, string][]} items those that are not there are left out */
export function legendOf(items) {
  return items.filter(Boolean).map(([drawn, text]) => h("span", { class: "sign" }, drawn, h("span", {}, text)));
}

function sign(tag, look) {
  return drawing(SIZE.width, SIZE.height, tag, look);
}
