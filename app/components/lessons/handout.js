// Lessons on paper: questions with room for an answer, and the answers at the end.

import { h } from "../stage/core/dom.js";
import { plain } from "./words.js";

export class Handout {
  /** @param {Object[]} printed states of lessons @param {Lessons} lessons that know their texts */
  constructor(printed, lessons) {
    const { words } = lessons;
    const all = printed.flatMap((lesson) => this.questionsOf(lesson, lessons.textOf(lesson.key)));
    const answers = all.map(({ name, answer }) => h("li", {}, h("b", {}, `${name} `), answer));
    this.root = h(
      "section",
      { class: "handout" },
      all.map(({ element }) => element),
      h("h1", { class: "answers" }, words.answers),
      h("ul", {}, answers),
    );
  }

  questionsOf({ key, numbers, steps }, { title, about, steps: texts }) {
    const say = (text) => plain(text, numbers);
    return steps.flatMap(({ question }, i) => {
      const text = texts[i];
      const name = `${key}${i + 1}`;
      const heading = i === 0 ? [h("h1", {}, `${key.length === 1 ? `${key} · ` : ""}${title}`), h("p", { class: "about" }, about)] : [];
      const choices = question?.kind === "choose" ? h("ol", { class: "choices" }, text.choices.map((choice) => h("li", {}, say(choice)))) : null;
      const asks = question ? [h("p", { class: "question" }, h("b", {}, `${name} `), say(text.question)), choices, h("p", { class: "blank" })] : [];
      const element = h("article", {}, heading, h("h2", {}, text.title), text.text.map((line) => h("p", {}, say(line))), asks);
      const right = question?.kind === "choose" ? `(${question.right + 1}) ` : "";
      return [{ name, element, answer: question ? `${right}${say(text.answer)} ${say(text.why)}` : say(text.text.join(" ")) }].filter(
        (one) => question || one.element,
      );
    });
  }

  remove() {
    this.root.remove();
  }
}
