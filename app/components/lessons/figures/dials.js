// Angles as dials beside each other, one for each loss; those that are asked for come with the answer.

import { h, swatch } from "../../stage/core/dom.js";
import { tell } from "../../stage/core/glossary.js";
import { simplexAngle } from "../../stage/core/geometry.js";
import { Sheet } from "../../stage/plots/sheet.js";
import { drawDial } from "../../sphere/dial.js";
import { amount, marked } from "../words.js";

export class Dials {
  constructor(host, figure, { document: { sphere, groups }, numbers, text, words, glossary, isRevealed }) {
    const { dials, known = dials.length, regular = null } = figure;
    Object.assign(this, { known, isRevealed });
    this.parts = dials.map(({ loss, number }, i) => {
      const canvas = h("canvas", { class: "dial", "aria-hidden": "true" });
      const value = h("p", { class: "angle" });
      const label = text.labels?.[i] ?? words.losses[loss];
      const sign = loss ? swatch(sphere.losses[loss]) : null;
      const element = h("section", {}, h("h3", {}, sign, label), canvas, value);
      const angle = amount(numbers[number]);
      const isKnown = () => this.isRevealed || i < known;
      const sheet = new Sheet(canvas, (context, width, height, theme) => {
        const told = { angle: isKnown() ? angle : 0, regular: regular && isKnown() ? simplexAngle(regular) : null };
        drawDial(context, width, height, theme, { ...told, predicted: null, prototypes: null }, groups.tail);
      });
      const write = () => tell(value, isKnown() ? marked(`{${number}}`, numbers) : "?", glossary);
      return { element, sheet, write };
    });
    host.append(h("div", { class: "dials", style: `--tail: ${groups.tail}` }, this.parts.map(({ element }) => element)));
    for (const { write } of this.parts) write();
  }

  reveal() {
    this.isRevealed = true;
    for (const { sheet, write } of this.parts) (write(), sheet.draw());
  }

  get pictures() {
    return this.parts.map(({ sheet }) => sheet);
  }
}
