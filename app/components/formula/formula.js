// The loss as a formula that is alive: its terms come with the switches, and say what they do and come to.

import { button, h } from "../stage/core/dom.js";
import { isLit, linesOf } from "./expression.js";
import { latexOfLines } from "./latex.js";
import { math } from "./mathml.js";
import { partsOf } from "./parts.js";
import { TERMS, amount, numbersOf, saysOf, titleOf } from "./words.js";

const COPIED = 2500; // milliseconds that it says so

let count = 0;

export class Formula {
  pointed = null; // at a term, by a mouse
  chosen = null; // by keys, a tap or a click

  /**
   * @param {Object} words of the language @param {{name: string, isOn: (switches) => boolean, turned: (on: boolean) => Object}[]} rungs switches that it
   *   offers @param {(changes: Object) => void} turn is told what of the switches is to change
   */
  constructor(words, rungs, turn) {
    this.words = words;
    const switchOf = (rung) => button(words.formula.switches[rung.name], () => turn(rung.turned(!rung.isOn(this.shown.switches))));
    this.switches = rungs.map((rung) => ({ rung, element: switchOf(rung) }));
    this.lines = h("div", { class: "lines" });
    this.letters = h("p", { class: "letters" });
    this.sum = h("p", { class: "sum" });
    this.said = h("p", { class: "told", id: `bcl-formula-${count++}` });
    this.copy = button(words.formula.copy, () => this.copyLatex(), { class: "copy" });
    this.element = h(
      "div",
      { class: "formula", role: "group", "aria-label": words.formula.name },
      h("div", { class: "turns" }, this.switches.map(({ element }) => element)),
      this.lines,
      this.said,
      this.sum,
      h("div", { class: "below" }, this.letters, this.copy),
    );
    this.listen();
  }

  /**
   * @param {Object} shown `switches`; `temperature`; `told` of one anchor, as in parts.js, or null with a `lack` that says
   *   why; `who` this is, in a sentence; `names` of the classes
   */
  show(shown) {
    this.shown = shown;
    this.parts = shown.told && partsOf(shown.told, shown.switches);
    const lines = linesOf(shown.switches);
    const latex = latexOfLines(lines);
    if (latex !== this.latex) this.write(lines);
    this.latex = latex;
    this.tell();
  }

  /** Write the formula of other switches, and mark what they brought. */
  write(lines) {
    const { words, shown: { switches } } = this;
    const before = this.lit;
    this.lit = new Set(Object.keys(TERMS).filter((name) => isLit(name, switches)));
    for (const { rung, element } of this.switches) element.ariaPressed = String(rung.isOn(switches));
    this.lines.replaceChildren(...lines.map((parts) => h("div", {}, parts.map((part) => math(part)))));
    for (const piece of this.lines.querySelectorAll("[data-term]")) {
      const name = piece.dataset.term;
      piece.classList.toggle("lit", this.lit.has(name));
      piece.classList.toggle("fresh", Boolean(before) && this.lit.has(name) && !before.has(name));
      if (piece.getAttribute("role") !== "button") continue;
      piece.setAttribute("aria-label", titleOf(name, switches, words));
      piece.setAttribute("aria-describedby", this.said.id);
    }
    this.letters.replaceChildren(...written(switches.complement ? words.formula.letters_prototypes : words.formula.letters));
    if (!this.has(this.chosen)) this.chosen = null;
    this.pointed = null;
  }

  has(name) {
    return this.lines.querySelector(`[data-term="${name}"]`) !== null;
  }

  /** Say what the term that is asked for does, and what the whole comes to. */
  tell() {
    const { words, shown: { switches, temperature, names, told, lack } } = this;
    const name = this.pointed ?? this.chosen;
    for (const piece of this.element.querySelectorAll("[data-term]")) piece.classList.toggle("asked", piece.dataset.term === name);
    if (name === null) this.said.textContent = words.formula.hint;
    else {
      const known = { switches, temperature, names, own: told?.own, value: told?.value };
      const numbers = this.parts ? h("span", { class: "numbers" }, ...written(numbersOf(name, this.parts, known, words))) : "";
      this.said.replaceChildren(h("b", {}, titleOf(name, switches, words)), words.formula.after_title, ...written(saysOf(name, switches, words)), " ", numbers);
    }
    this.tellSum(lack ?? words.formula.no_positive);
  }

  tellSum(lack) {
    const { who } = this.shown;
    if (!this.parts) return this.sum.replaceChildren(`${who} ${lack}`);
    const { denominator, own, others, log, pull, loss } = this.parts;
    const rest = others.reduce((sum, part) => sum + part, 0);
    const part = (name, text) => h("span", { "data-term": name }, text);
    const [D, L] = [symbol("D"), symbol("L")];
    this.sum.replaceChildren(
      `${who} `,
      h("span", { class: "equation" }, D, " = ", part("own", amount(own)), " + ", part("others", amount(rest)), " = ", amount(denominator)),
      ", ",
      h("span", { class: "equation" }, L, " = ", part("log", fixed(log)), " − ", part("pull", fixed(pull)), " = ", h("b", {}, fixed(loss))),
    );
  }

  listen() {
    const on = (type, listener) => this.element.addEventListener(type, listener);
    const nameOf = ({ target }) => target.closest("[data-term]")?.dataset.term ?? null;
    on("pointerover", (event) => event.pointerType === "mouse" && this.point(nameOf(event)));
    on("pointerleave", () => this.point(null));
    on("click", (event) => nameOf(event) && this.choose(nameOf(event)));
    on("focusin", (event) => event.target.matches("[data-term]:focus-visible") && this.choose(nameOf(event)));
    on("keydown", (event) => {
      if (!nameOf(event) || !["Enter", " ", "Escape"].includes(event.key)) return;
      this.choose(event.key === "Escape" ? null : nameOf(event));
      event.preventDefault();
      event.stopPropagation(); // a space plays, elsewhere
    });
  }

  point(name) {
    if (name === this.pointed) return;
    this.pointed = name;
    this.tell();
  }

  choose(name) {
    this.chosen = name;
    this.tell();
  }

  async copyLatex() {
    const { words } = this;
    const copied = await navigator.clipboard?.writeText(this.latex).then(() => true, () => false);
    if (copied) this.copy.textContent = words.formula.copied;
    else this.said.replaceChildren(h("code", {}, this.latex)); // to be copied by hand
    setTimeout(() => (this.copy.textContent = words.formula.copy), COPIED);
  }
}

function symbol(letter) {
  return math(["sub", ["i", letter], ["i", "i"]]);
}

function fixed(value) {
  return value.toFixed(2).replace("-", "−");
}

/** Words in which z_i, m_y and e^(1/τ) are set as they are in the formula. */
function written(text) {
  return text.split(/(\b[A-Za-z][_^](?:\w|\([^)]*\)))/).map((piece, place) => {
    if (place % 2 === 0) return piece;
    const [kind, parts] = piece[1] === "_" ? ["sub", h("sub", {}, piece[2])] : ["sup", h("sup", {}, piece.slice(2).replace(/[()]/g, ""))];
    return h("span", { class: kind }, h("i", {}, piece[0]), parts);
  });
}
