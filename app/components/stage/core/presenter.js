// What a presenter has at hand, in one line: which runs are revealed, and the controls that may take their place. The
// lenses have their own keys; see rail.js.

import { button, h } from "./dom.js";

// Key and name of each kind of control.
const CONTROLS = { balanced: ["b", "Balanced control"], swapped: ["s", "Head and tail swapped"] };
const SHIFTED = "⇧";

export class Presenter {
  acts = {}; // by key

  constructor(stage) {
    this.stage = stage;
    const { hidden, control } = stage.state;
    const runs = stage.told.runs.map(({ label }, i) => {
      const place = String(i + 1);
      const others = hidden.filter((other) => other !== place);
      const isShown = others.length === hidden.length;
      const flip = () => stage.set({ hidden: isShown ? [...hidden, place] : others });
      return this.button(`${SHIFTED}${place}`, label, flip, isShown);
    });
    const controls = Object.entries(CONTROLS).map(([kind, [key, name]]) => {
      const isOn = control === kind;
      return this.button(key, name, () => stage.set({ control: isOn ? null : kind }), isOn);
    });
    const leave = this.button("Escape", "Leave", () => stage.set({ presenter: false }));
    const lack = h("p", { role: "status" }, control ? this.lack(control) : "");
    this.root = h("div", { class: "help", role: "group", "aria-label": "Presenter view" }, lack, runs, controls, leave);
  }

  /** Do what a key event says. @returns {boolean} whether it says anything here */
  press({ key, code, shiftKey }) {
    const sign = shiftKey ? code.replace(/^Digit/, SHIFTED) : key; // what shifted digits type differs by keyboard
    this.acts[sign]?.();
    return sign in this.acts;
  }

  button(key, name, act, isOn = null) {
    this.acts[key] = act;
    const pressed = isOn === null ? {} : { "aria-pressed": String(isOn) };
    const named = { name: `present-${key}`, "aria-keyshortcuts": key.replace(SHIFTED, "Shift+") };
    return button([h("kbd", { "aria-hidden": "true" }, key), name], act, { ...named, ...pressed });
  }

  /** Which of the runs have no such control, and how to make one. */
  lack(control) {
    const { told, store } = this.stage;
    const controlOf = ({ id }) => store.run({ id }).controls?.[control];
    const without = told.runs.filter((run) => controlOf(run) && !controlOf(run).id);
    if (!without.length) return "";
    const how = new Set(without.map((run) => controlOf(run).how));
    const [, name] = CONTROLS[control];
    const labels = without.map(({ label }) => label).join("; ");
    return `${name}: this lab has no such run for ${labels}. ${[...how].join(" ")}`;
  }
}
