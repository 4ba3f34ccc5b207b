// One step of a lesson: a few sentences, a figure, a question, and after the guess the answer and why.

import { button, h } from "../stage/core/dom.js";
import { tell } from "../stage/core/glossary.js";
import { figureOf } from "./figures.js";
import { linksOf } from "./links.js";
import { SKIPPED } from "./progress.js";
import { questionOf } from "./question.js";
import { marked } from "./words.js";

export class Step {
  narrow = matchMedia("(max-width: 50rem)");

  /**
   * @param {Object} step its state @param {Object} given `text` of the step, `numbers` of the lesson, `words` of the
   *   language, `glossary`, `document` of all lessons, `lang` its name, `prefix` and `app`: where the server's routes and pages are
   * @param {number | string | undefined} guess that was made before @param onGuess (guess), undefined: to guess again
   */
  constructor(step, given, guess, onGuess) {
    Object.assign(this, { step, given, onGuess });
    const { text, words } = given;
    this.heading = h("h1", { tabindex: -1 }, text.title);
    this.verdict = h("strong");
    this.answer = h("div", { class: "answer", tabindex: -1, hidden: true });
    this.holder = h("figure", { class: `figure of-${step.figure.kind}` });
    this.question = step.question ? questionOf(step, given, (made) => this.guess(made)) : null;
    this.asks = this.question && h("div", { class: "question" }, h("h2", {}, this.told(text.question)), this.question.root);
    const links = linksOf(step, given);
    this.links = links.length ? h("p", { class: "links", hidden: Boolean(this.question) }, links) : null;
    const sentences = text.text.map((sentence) => h("p", {}, this.told(sentence)));
    const parts = [this.heading, sentences, this.asks, this.answer, this.links];
    this.root = h("div", { class: "step" }, h("section", { class: "words" }, parts.flat().filter(Boolean)), this.holder);
    this.isRevealed = !this.question || guess !== undefined;
    this.draw(this.isRevealed ? (step.then ?? step.figure) : step.figure);
    if (this.question && guess !== undefined) this.tellAnswer(guess);
  }

  /** An element that says a text with its terms and numbers explained. */
  told(text) {
    const element = h("span");
    tell(element, marked(text, this.given.numbers), this.given.glossary);
    return element;
  }

  draw(figure) {
    this.figure?.remove?.();
    for (const picture of this.figure?.pictures ?? []) picture.destroy();
    const { text } = this.given;
    const place = h("div", { class: "picture" });
    const said = (figure === this.step.then && text.caption_then) || text.caption;
    const caption = said ? h("figcaption", {}, this.told(said)) : null;
    this.holder.className = `figure of-${figure.kind}`;
    this.holder.replaceChildren(place, ...(caption ? [caption] : []));
    this.figure = figureOf(place, figure, { ...this.given, isRevealed: this.isRevealed });
  }

  /** Show the answer, to who guessed or, SKIPPED, to who did not. */
  guess(made) {
    if (this.isRevealed) return;
    this.isRevealed = true;
    this.tellAnswer(made);
    if (this.step.then) this.draw(this.step.then);
    else this.figure.reveal?.();
    this.onGuess(made);
    this.answer.focus({ preventScroll: true });
    if (this.narrow.matches) this.asks.scrollIntoView({ block: "start" }); // there all that is new comes below it
  }

  tellAnswer(made) {
    const { text, words } = this.given;
    this.verdict.textContent = this.question.reveal(made);
    const again = button(words.again, () => this.onGuess(undefined), { class: "again" });
    const lines = [
      h("p", { class: "verdict-line" }, this.verdict, again),
      h("p", { class: "what" }, this.told(text.answer)),
      h("p", { class: "why" }, h("b", {}, `${words.why} `), this.told(text.why)),
    ];
    this.answer.replaceChildren(...lines);
    this.answer.hidden = false;
    this.root.classList.add("answered");
    if (this.links) this.links.hidden = false;
  }

  /** Go on within the step. @returns {boolean} whether there was anything left */
  forward() {
    if (this.isRevealed) return false;
    this.guess(SKIPPED);
    return true;
  }

  get pictures() {
    return [...(this.figure?.pictures ?? []), ...(this.question?.pictures ?? [])];
  }

  remove() {
    this.figure?.remove?.();
    for (const picture of this.pictures) picture.destroy();
  }
}
