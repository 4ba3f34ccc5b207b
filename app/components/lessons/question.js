// A question to predict: choose, or drag a value onto its axis. The guess stays beside the answer.

import { button, h } from "../stage/core/dom.js";
import { filled } from "../stage/core/templates.js";
import { Sheet, pointedAt } from "../stage/plots/sheet.js";
import { drawDial } from "../sphere/dial.js";
import { SKIPPED } from "./progress.js";
import { amount, plain, shown } from "./words.js";

const SCALES = { angle: { from: 0, to: 180, unit: "°", at: 90 }, percent: { from: 0, to: 100, unit: " %", at: 50 } };

/** The question of a step. @param {Object} step its state @param {Object} given see `Step` @param onGuess (guess) */
export function questionOf(step, given, onGuess) {
  const Kind = step.question.kind === "choose" ? Choice : Value;
  return new Kind(step.question, given, onGuess);
}

class Choice {
  pictures = [];

  constructor({ right }, { text, numbers, words }, onGuess) {
    Object.assign(this, { right, words });
    this.items = text.choices.map((choice, i) => {
      const label = h("span", { class: "label" }, plain(choice, numbers)); // a button holds no other
      const key = h("kbd", { "aria-hidden": "true" }, String(i + 1));
      return button([key, label, h("span", { class: "verdict" })], () => onGuess(i), { class: "option" });
    });
    this.root = h("div", { class: "options", role: "group", "aria-label": words.question }, this.items);
  }

  /** @param {number | string} guess */
  reveal(guess) {
    const { words } = this;
    this.items.forEach((item, i) => {
      item.disabled = true;
      item.classList.toggle("right", i === this.right);
      item.classList.toggle("guess", i === guess);
      const said = [i === this.right ? words.answer_mark : null, i === guess ? words.guess_mark : null];
      item.querySelector(".verdict").textContent = said.filter(Boolean).join(" · ");
    });
    if (guess === SKIPPED) return "";
    return guess === this.right ? words.as_guessed : words.not_as_guessed;
  }

  /** @returns {boolean} whether the key was the question's */
  press(key) {
    const item = this.items[Number(key) - 1];
    if (!item || item.disabled || !/^[1-9]$/.test(key)) return false;
    item.click();
    return true;
  }
}

class Value {
  constructor({ kind, answer }, { numbers, words, document }, onGuess) {
    const scale = SCALES[kind];
    Object.assign(this, { scale, answer: numbers[answer], words, colour: document.groups.tail, onGuess });
    const { from, to, unit, at } = scale;
    this.said = h("output", { class: "value" });
    this.range = h("input", { type: "range", min: from, max: to, step: 1, value: at, oninput: () => this.follow() });
    this.range.ariaLabel = words.your_guess;
    const ticks = [0, 1, 2, 3, 4, 5, 6].map((i) => from + (i * (to - from)) / 6).filter(Number.isInteger);
    const marks = kind === "percent" ? [0, 25, 50, 75, 100] : ticks;
    this.axis = h("div", { class: "axis" }, marks.map((tick) => this.mark("tick", tick, `${tick}${unit}`)));
    this.done = button(words.submit, () => this.submit(), { class: "submit primary" });
    this.dial = kind === "angle" ? h("canvas", { class: "dial", "aria-hidden": "true" }) : null;
    const drag = (event) => event.buttons && this.turn(event);
    if (this.dial) {
      this.dial.addEventListener("pointerdown", (event) => (this.dial.setPointerCapture(event.pointerId), this.turn(event)));
      this.dial.addEventListener("pointermove", drag);
    }
    const row = h("div", { class: "line" }, this.said, this.done);
    const parts = [this.dial, h("div", { class: "scale" }, this.range, this.axis), row];
    this.root = h("div", { class: "guessing" }, parts.filter(Boolean));
    this.pictures = this.dial ? [new Sheet(this.dial, (...sheet) => this.paint(...sheet))] : [];
    this.follow();
  }

  get value() {
    return Number(this.range.value);
  }

  mark(kind, value, text) {
    const { from, to } = this.scale;
    return h("span", { class: kind, style: `--at: ${(value - from) / (to - from)}` }, text);
  }

  follow() {
    const text = `${this.value}${this.scale.unit}`;
    this.range.ariaValueText = text;
    this.said.value = filled(this.words.guess_is, { guess: text });
    for (const picture of this.pictures) picture.draw();
  }

  /** The dial's ray goes to where the pointer is. */
  turn(event) {
    if (this.range.disabled) return;
    const [x, y] = pointedAt(this.dial, event);
    const [width, height] = this.pictures[0].size;
    const degrees = (Math.atan2(height - 4 - y, width / 2 - x) * 180) / Math.PI;
    this.range.value = Math.min(180, Math.max(0, degrees < -90 ? 180 : degrees));
    this.follow();
  }

  submit() {
    this.onGuess(this.value);
  }

  reveal(guess) {
    const isSkipped = guess === SKIPPED;
    this.range.disabled = true;
    this.done.remove();
    this.guess = isSkipped ? null : guess;
    this.range.value = isSkipped ? this.scale.from : guess;
    const answer = amount(this.answer);
    if (!isSkipped) this.axis.append(this.mark("guess", guess, ""));
    this.axis.append(this.mark("truth", answer, ""));
    this.root.classList.add("answered");
    const { words, scale: { unit } } = this;
    const own = isSkipped ? words.no_guess : filled(words.guess_is, { guess: `${guess}${unit}` });
    this.said.value = `${own} · ${filled(words.answer_is, { answer: shown(this.answer) })}`;
    for (const picture of this.pictures) picture.draw();
    if (isSkipped) return "";
    const off = Math.abs(guess - answer);
    return off <= 5 ? words.close : filled(words.off_by, { off: `${Math.round(off)}${unit}` });
  }

  paint(context, width, height, theme) {
    const isAnswered = this.range.disabled;
    const angle = isAnswered ? amount(this.answer) : this.value;
    const guess = isAnswered ? this.guess : null;
    const colour = isAnswered ? this.colour : theme.accent;
    drawDial(context, width, height, theme, { angle, regular: null, predicted: guess, prototypes: null }, colour);
  }

  press(key) {
    if (this.range.disabled) return false;
    if (key === "Enter") this.submit();
    else if (key === "1" || key === "2") this.range.focus();
    else return false;
    return true;
  }
}
