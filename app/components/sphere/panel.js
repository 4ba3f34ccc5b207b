// What stands under "More": all that can be set, and beside each what is wrong with it.

import { button, h, toggle } from "../stage/core/dom.js";
import { filled } from "../stage/core/templates.js";
import { LADDER, READ } from "./settings.js";

const EXAMPLES = ["130 32 8 2", "100 30 10 3", "43 43 43 43", "120 40 12", "30 30 30 30 30 30", "60 20 8 6 4 2"];
const FIELDS = [
  ["counts", "text"],
  ["temperature", "decimal"],
  ["batch", "numeric"],
  ["seed", "numeric"],
];

/** @param {TwoSpheres} lab whose settings these are */
export function settingsOf(lab) {
  const { words } = lab;
  const [counts, ...others] = FIELDS.map((field) => fieldOf(lab, ...field));
  const examples = EXAMPLES.map((text) => button(text, () => lab.change({ counts: READ.counts(text, words) })));
  const switches = lab.sides.map((side, i) => {
    const toggles = LADDER.map((rung) => switchOf(lab, side, rung, `${i}-${rung.name}`));
    const which = i ? words.sphere.right : words.sphere.left;
    return h("fieldset", {}, h("legend", {}, lab.sides.length > 1 ? which : words.sphere.the_sphere), toggles);
  });
  return h(
    "div",
    { class: "settings", popover: "auto", role: "dialog", "aria-label": words.sphere.settings },
    counts,
    h("div", { class: "examples" }, examples),
    others,
    h("div", { class: "switches" }, switches),
  );
}

function switchOf(lab, side, rung, field) {
  const own = {
    state: {},
    bind: (update) => lab.bind(() => ((own.state[field] = rung.isOn(side.switches)), update())),
    set: (changes) => lab.turn(side, rung.turned(changes[field])),
  };
  return toggle(own, field, lab.words.formula.switches[rung.name]);
}

function fieldOf(lab, name, kind) {
  const { words } = lab;
  const wrong = h("span", { class: "wrong", role: "alert" });
  const mark = (text) => {
    wrong.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  const read = () => {
    try {
      lab.change({ [name]: READ[name](input.value, words) });
    } catch (error) {
      mark(filled(words.sphere.until_then, { wrong: error.message }));
    }
  };
  const input = h("input", { type: "text", inputmode: kind, name, autocomplete: "off", onchange: read });
  let shown;
  lab.bind(() => {
    const text = [lab.state[name]].flat().join(" ");
    if (text === shown && wrong.textContent) return; // what is wrong stays until this is set
    [shown, input.value] = [text, text];
    mark("");
  });
  return h("label", {}, h("span", {}, words.sphere.fields[name]), input, wrong);
}
