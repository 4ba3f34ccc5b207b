// An expression as MathML, which browsers set themselves.

import { filled } from "../stage/core/dom.js";
import { latexOf } from "./latex.js";

const m = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS("http://www.w3.org/1998/Math/MathML", tag), attributes, children);

const KINDS = {
  i: (name) => (name === "log" ? m("mrow", {}, m("mi", {}, name), m("mspace", { width: "0.2em" })) : m("mi", {}, name)),
  o: (sign) => m("mo", { form: "infix" }, sign), // also where a line breaks before it
  n: (number) => m("mn", {}, number),
  row: (...parts) => m("mrow", {}, parts.map(mathOf)),
  frac: (above, below) => m("mfrac", {}, mathOf(above), mathOf(below)),
  sub: (name, below) => m("msub", {}, mathOf(name), mathOf(below)),
  sup: (base, exponent) => m("msup", {}, mathOf(base), mathOf(exponent)),
  sum: (below) => m("munder", {}, m("mo", { class: "sigma", movablelimits: "false" }, "∑"), mathOf(below)),
  size: (set) => enclosed("|", set, "|"),
  set: (member) => enclosed("{", member, "}"),
  fenced: (inside) => enclosed("(", inside, ")", "large"),
  term: (name, isFocus, content) =>
    m("mrow", { "data-term": name, ...(isFocus ? { role: "button", tabindex: 0 } : {}) }, mathOf(content)),
};

/** @param {Array} node of expression.js */
export function mathOf([kind, ...parts]) {
  return KINDS[kind](...parts);
}

/** A formula, or a part of one; who only hears it is told its LaTeX, and meets its terms one by one. */
export function math(node) {
  return m("math", { displaystyle: "true", role: "group", "aria-label": latexOf(node) }, mathOf(node));
}

/** Fences of one height: where there is no font for mathematics, stretched ones come out far too high. */
function enclosed(left, node, right, look = null) {
  const fence = (sign) => m("mo", { fence: "true", stretchy: "false", class: look }, sign);
  return m("mrow", {}, fence(left), mathOf(node), fence(right));
}
