// The formula of each sphere's loss, folded up until it is asked for, with the numbers of one point.

import { Formula } from "../formula/formula.js";
import { h } from "../stage/core/dom.js";
import { filled } from "../stage/core/templates.js";
import { VIEWS } from "./loss.js";
import { LADDER, nameOf } from "./settings.js";

export class Formulas {
  /** @param {TwoSpheres} lab whose sides these are */
  constructor(lab) {
    const { words } = lab;
    this.words = words;
    this.sides = lab.sides.map((side) => {
      const formula = new Formula(words, LADDER, (changes) => lab.turn(side, changes));
      return { side, formula, title: h("h3") };
    });
    this.element = h(
      "details",
      { class: "formulas", ontoggle: () => this.draw() },
      h("summary", {}, words.sphere.formula),
      h("div", { class: "pair" }, this.sides.map(({ formula, title }) => h("section", {}, title, formula.element))),
      h("p", { class: "note" }, words.formula.self_term),
    );
  }

  draw() {
    if (!this.element.open) return;
    const { words } = this;
    for (const { side, formula, title } of this.sides) {
      const { simulation, name, image } = side;
      const { counts, switches, classes } = simulation;
      const told = simulation.told(image);
      const names = counts.map((_, k) => nameOf(k));
      const held = names.map((of, k) => filled(words.sphere.held, { count: told.sizes[k] / VIEWS, name: of }));
      title.textContent = name;
      const who = filled(words.sphere.image, { name: names[classes[image]], held: held.join(words.joining.comma) });
      formula.show({ switches: { ...switches, self_term: false }, temperature: switches.temperature, told, who, names });
    }
  }
}
