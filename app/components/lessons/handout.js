// Lessons on paper: questions with room for an answer, and the answers at the end.

import { h } from "../stage/core/dom.js";
import { plain } from "./words.js";

export class Handout {
  /** @param {Object[]} printed states of lessons @param {Lessons} lessons that know their texts */
  constructor(printed, lessons) {
    const all = printed.flatMap((lesson) => stepsOf(lesson, lessons.textOf(lesson.key)));
    const answers = all.filter(({ answer }) => answer).map(({ name, answer }) => h("li", {}, h("b", {}, `${name} `), answer));
    const parts = [...all.map(({ element }) => element), h("h1", { class: "answers" }, lessons.words.answers), h("ul", {}, answers)];
    this.root = h("section", { class: "handout" }, parts);
  }

  remove() {
    this.root.remove();
  }
}

/** @returns {{name: string, element: HTMLElement, answer: ?string}[]} a step each; `answer` null where none is asked for */
function stepsOf({ key, numbers, steps }, { title, about, steps: texts }) {
  const say = (text) => plain(text, numbers);
  const sign = key.length === 1 ? `${key} · ` : "";
  const heading = [h("h1", {}, `${sign}${title}`), h("p", { class: "about" }, about)];
  return steps.map(({ question }, i) => {
    const text = texts[i];
    const name = `${key}${i + 1}`;
    const isChoice = question?.kind === "choose";
    const choices = isChoice ? h("ol", {}, text.choices.map((choice) => h("li", {}, say(choice)))) : null;
    const blank = () => h("p", { class: "blank" });
    const asks = question ? [h("p", { class: "asks" }, h("b", {}, `${name} `), say(text.question)), choices, blank(), blank()] : [];
    const lines = text.text.map((line) => h("p", {}, say(line)));
    const element = h("article", {}, i === 0 ? heading : [], h("h2", {}, text.title), lines, asks);
    const right = isChoice ? `(${question.right + 1}) ` : "";
    return { name, element, answer: question ? `${right}${say(text.answer)} ${say(text.why)}` : null };
  });
}
