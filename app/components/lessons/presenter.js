// Before a class: notes for the teacher, the time, and the step's question as a poll.

import { histogram } from "../classroom/histogram.js";
import { button, h } from "../stage/core/dom.js";
import { asker, fetchFrom, json } from "../stage/core/server.js";
import { filled } from "../stage/core/templates.js";
import { plain, ranges } from "./words.js";

const KEPT = "bcl-lesson-began"; // in the tab's memory, by lesson: when it began, in milliseconds
const TICK = 1000;

export class Presenter {
  /** `root` has what is read, `row` what is pressed. @param {Lessons} lessons whose step is shown @param {Object} lesson */
  constructor(lessons, lesson) {
    const { words, state, told } = lessons;
    Object.assign(this, { lessons, lesson, words });
    const text = lessons.textOf(lesson.key).steps[state.step];
    this.clock = h("output", { class: "clock" });
    this.notes = h("p", { class: "notes", hidden: sessionStorage.getItem("bcl-notes") === null }, text.notes);
    this.turn = button(words.notes, () => this.toggle(), { name: "notes" });
    this.fault = h("span", { role: "alert", class: "wrong" });
    this.result = h("div", { class: "result" });
    const question = lesson.steps[state.step].question;
    this.ask = told.asks && question ? button(words.ask, () => this.put(question, text), { name: "ask" }) : null;
    this.row = h("div", { class: "row" }, [this.clock, this.turn, this.ask, this.fault].filter(Boolean));
    this.root = h("aside", { class: "presenter" }, this.notes, this.result);
    this.turn.ariaPressed = String(!this.notes.hidden);
    this.tick();
    this.ticking = setInterval(() => (this.root.isConnected ? this.tick() : clearInterval(this.ticking)), TICK);
  }

  /** Minutes since the lesson began, and by when this step should end. */
  tick() {
    const { lesson, lessons: { state }, words } = this;
    const kept = sessionStorage.getItem(`${KEPT}-${lesson.key}`);
    const began = Number(kept) || Date.now();
    if (!kept) sessionStorage.setItem(`${KEPT}-${lesson.key}`, String(began));
    const seconds = Math.floor((Date.now() - began) / 1000);
    const due = 60 * lesson.steps.slice(0, state.step + 1).reduce((sum, { minutes }) => sum + minutes, 0);
    const said = (of) => `${Math.floor(of / 60)}:${String(Math.round(of) % 60).padStart(2, "0")}`;
    this.clock.value = filled(words.clock, { now: said(seconds), due: said(due) });
    this.clock.classList.toggle("late", seconds > due);
  }

  toggle() {
    this.notes.hidden = !this.notes.hidden;
    if (this.notes.hidden) sessionStorage.removeItem("bcl-notes");
    else sessionStorage.setItem("bcl-notes", "1");
    this.turn.ariaPressed = String(!this.notes.hidden);
  }

  press(key) {
    if (key === "n") this.toggle();
    else if (key === "a" && this.ask) this.ask.click();
    else return false;
    return true;
  }

  /** Ask the class, and then show what it answered. */
  async put(question, text) {
    const { words, lesson: { numbers } } = this;
    const choices = question.kind === "choose" ? text.choices : ranges(question.poll, numbers[question.answer].unit, words);
    await this.attempt(async (deed) => {
      const asked = { question: plain(text.question, numbers), choices: choices.map((choice) => plain(choice, numbers)) };
      const { poll } = await deed("ask", asked);
      const reveal = button(words.reveal, () => this.reveal(poll), { name: "ask" });
      this.ask.replaceWith(reveal);
      this.ask = reveal;
    });
  }

  async reveal(poll) {
    await this.attempt(async (deed) => {
      await deed("reveal", { poll });
      const { poll: found } = json(await fetchFrom(this.lessons.told.prefix)("class"));
      this.ask.remove();
      this.ask = null;
      if (found?.counts) this.result.replaceChildren(histogram(found));
    });
  }

  async attempt(act) {
    this.ask.disabled = true;
    this.fault.textContent = await act(asker(this.lessons.told.prefix)).then(() => "", ({ message }) => message);
    if (this.ask) this.ask.disabled = false;
  }
}
