// The list of lessons, with how far the reader has come, above the sphere lab.

import { button, h } from "../stage/core/dom.js";
import { filled } from "../stage/core/templates.js";
import { OPENS } from "../sphere/address.js";
import { TwoSpheres } from "../sphere/sphere.js";

export class Home {
  /** @param {Lessons} lessons that this is the list of */
  constructor(lessons) {
    const { words, document: all, told: { prefix, app } } = lessons;
    const card = (lesson) => {
      const { title, about } = lessons.textOf(lesson.key);
      const done = lessons.progress.done(lesson.key);
      const asked = lesson.steps.filter(({ question }) => question).length;
      const minutes = Math.round(lesson.steps.reduce((sum, step) => sum + step.minutes, 0));
      const far = [filled(words.minutes, { minutes }), done ? filled(words.done_of, { done, asked }) : null];
      const sign = h("b", { class: "letter", "aria-hidden": "true" }, lesson.key.length === 1 ? lesson.key : "▶");
      const parts = [h("strong", {}, title), h("span", { class: "about" }, about), h("small", {}, far.filter(Boolean).join(" · "))];
      const open = () => lessons.go({ lesson: lesson.key, step: 0 });
      const look = `card ${lesson.core ? "core" : "more"} ${done >= asked && asked ? "done" : ""}`;
      return h("li", {}, button([sign, h("span", { class: "of" }, parts)], open, { class: look }));
    };
    const spheres = h("div", { class: "bcl-sphere" });
    this.root = h(
      "div",
      { class: "list" },
      h("header", { class: "top" }, h("h1", {}, words.title), h("p", {}, words.introduction), h("span", { class: "tools" }, lessons.languages())),
      h("ul", { class: "cards" }, all.lessons.map(card)),
      h("h2", {}, words.sphere.title),
      h("p", { class: "about" }, words.sphere.introduction),
      spheres,
      app === null ? h("p", { class: "about" }, words.alone) : null,
    );
    const told = { ...all.sphere, prefix, words };
    this.sphere = new TwoSpheres(spheres, told, { ...OPENS, isSecret: true }); // lessons ask what it shows
  }

  get pictures() {
    return this.sphere.pictures;
  }

  remove() {
    this.sphere.remove();
    for (const picture of this.pictures) picture.destroy();
  }
}
