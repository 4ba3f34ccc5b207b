// Elements, and the controls that are bound to a field of the state.

export const CHOSEN = "bcl-chosen"; // happens on a stage whose reader has chosen runs: see classroom.js
const GAP = 4; // pixels between what is opened and its button
// By Plotly's names; others are pixels, drawn and left out by turns.
const DASHES = { solid: "", dash: "7 4", longdash: "11 4", dot: "2 4", dashdot: "7 3 2 3", longdashdot: "11 3 2 3" };

/** Make an element; `on…` are listeners, true is an attribute without a value, false and null are left out. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function button(content, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, content);
}

/** A drawing of one shape. @param {string} tag of SVG, with its attributes */
export function drawing(width, height, tag, look) {
  const [svg, shape] = ["svg", tag].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
  return filled(svg, { width, height, "aria-hidden": "true" }, [filled(shape, look)]);
}

/** Give an element attributes and children as `h` does. */
export function filled(element, attributes, children = []) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}

export function swatch({ colour, dash }) {
  const look = { d: "M1 5H31", stroke: colour, "stroke-width": 3.5, "stroke-dasharray": DASHES[dash] ?? dash.replaceAll("px", "") };
  return drawing(32, 10, "path", look);
}

/** A sign of 16 × 16, by its SVG path, in the text's colour: filled, or else its outline. */
export function icon(path, isFilled = true) {
  const look = isFilled ? { fill: "currentColor" } : { fill: "none", stroke: "currentColor", "stroke-width": 1.75 };
  return drawing(16, 16, "path", { d: path, ...look });
}

let groups = 0;

/** A row of choices; `options` are [value, text]. */
export function choice(stage, field, label, options) {
  const name = `bcl-${field}-${groups++}`;
  const inputs = options.map(([value]) =>
    h("input", { type: "radio", name, value, onchange: () => stage.set({ [field]: value }) }),
  );
  stage.bind(() => inputs.forEach((input, i) => (input.checked = stage.state[field] === options[i][0])));
  const items = inputs.map((input, i) => h("label", {}, input, h("span", {}, options[i][1])));
  return h("fieldset", { class: "choice" }, h("legend", {}, label), items);
}

export function menu(stage, field, label, options) {
  const items = options.map(([value, text]) => h("option", { value }, text));
  const select = h("select", { onchange: () => stage.set({ [field]: options[select.selectedIndex][0] }) }, items);
  stage.bind(() => (select.selectedIndex = options.findIndex(([value]) => value === stage.state[field])));
  return h("label", { class: "menu" }, h("span", {}, label), select);
}

/** A switch for a field that is true or false, or for one item of a field that is a list; a `sign` may precede it. */
export function toggle(stage, field, label, item = null, sign = null) {
  const listed = () => [stage.state[field]].flat();
  const flipped = () => listed().filter((other) => other !== item).concat(input.checked ? item : []);
  const flip = () => stage.set({ [field]: item === null ? input.checked : flipped() });
  const input = h("input", { type: "checkbox", onchange: flip });
  stage.bind(() => (input.checked = listed().includes(item ?? true)));
  return h("label", { class: "toggle" }, input, sign, h("span", {}, label));
}

/** A button opens `content`, a popover; the browser closes it at a press elsewhere or of Escape, and keeps focus. */
export function popup(opener, content) {
  opener.popoverTargetElement = content;
  content.addEventListener("toggle", ({ newState }) => newState === "open" && placeBy(content, opener));
}

/** Put what is opened under what opened it, or over it where there is no room, within the window. */
export function placeBy(content, opener) {
  const { left, top, bottom } = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = content;
  const fitsUnder = bottom + GAP + height < innerHeight;
  content.style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
  content.style.top = `${Math.max(GAP, fitsUnder ? bottom + GAP : top - GAP - height)}px`;
}

/** Hand a file to the reader. @param {Blob | ArrayBuffer | string} content */
export function download(content, name) {
  const url = URL.createObjectURL(new Blob([content]));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** A number with so many digits after the point and a proper minus, or a dash where there is none. */
export function number(value, digits = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return (Number(value.toFixed(digits)) + 0).toFixed(digits).replace("-", "−");
}
