// The formula of each sphere's loss, folded up until it is asked for, with the numbers of one point.

import { Formula } from "../formula/formula.js";
import { SELF_TERM } from "../formula/words.js";
import { h } from "../stage/core/dom.js";
import { VIEWS } from "./loss.js";
import { LADDER, nameOf } from "./settings.js";

export class Formulas {
  /** @param {TwoSpheres} lab whose sides these are */
  constructor(lab) {
    this.sides = lab.sides.map((side) => {
      const formula = new Formula(LADDER, (changes) => lab.turn(side, changes));
      return { side, formula, title: h("h3") };
    });
    this.element = h(
      "details",
      { class: "formulas", ontoggle: () => this.draw() },
      h("summary", {}, "The formula"),
      h("div", { class: "pair" }, this.sides.map(({ formula, title }) => h("section", {}, title, formula.element))),
      h("p", { class: "note" }, SELF_TERM),
    );
  }

  draw() {
    if (!this.element.open) return;
    for (const { side, formula, title } of this.sides) {
      const { simulation, name, image } = side;
      const { counts, switches, classes } = simulation;
      const told = simulation.told(image);
      const names = counts.map((_, k) => nameOf(k));
      const held = names.map((of, k) => `${told.sizes[k] / VIEWS} of ${of}`).join(", ");
      title.textContent = name;
      const who = `An image of ${nameOf(classes[image])}, in a batch with ${held}:`;
      formula.show({ switches: { ...switches, self_term: false }, temperature: switches.temperature, told, who, names });
    }
  }
}
