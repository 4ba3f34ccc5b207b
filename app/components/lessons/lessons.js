// Lessons: a list of them with the sphere lab, or one step; what is shown stands in the address, guesses in the browser.

import { picturing } from "../mounting.js";
import { button, h } from "../stage/core/dom.js";
import { fetchFrom, json } from "../stage/core/server.js";
import { filled } from "../stage/core/templates.js";
import { DEFAULT_LANGUAGE, read, write } from "./address.js";
import { Handout } from "./handout.js";
import { Home } from "./home.js";
import { Presenter } from "./presenter.js";
import { PASSED, Progress, browserStorage } from "./progress.js";
import { Step } from "./step.js";
import { explained } from "./words.js";

const TYPED = "input:not([type=range]), textarea, select, [contenteditable]";
const ELSEWHERE = "[role=dialog], [data-testid=stDialog]";
const FORWARD = ["ArrowRight", "PageDown", " ", "Enter"];
const BACK = ["ArrowLeft", "PageUp"];

const REVEALED = "answer";

export class Lessons {
  page = "learn"; // of the app
  led = null; // what a presenter's address said last
  listening = new AbortController();
  progress = new Progress(browserStorage());

  /**
   * @param {Object} told `prefix`: where routes are; `app`: where pages are, null where there are none; `asks`: whether
   *   this person may ask a class; `document`: all lessons, where they came with the page
   */
  constructor(host, told) {
    Object.assign(this, { host, told });
    host.lessons = this; // for who leads, or is led: see classroom.js
    const { signal } = this.listening;
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    addEventListener("popstate", () => this.document && this.open(read(location.search, this.document)), { signal });
    addEventListener("beforeprint", () => this.print(), { signal });
    addEventListener("afterprint", () => this.handout?.remove(), { signal });
    this.begin();
  }

  async begin() {
    try {
      this.document = this.told.document ?? json(await fetchFrom(this.told.prefix)("lessons/told"));
    } catch (error) {
      const again = button("Try again", () => this.begin());
      this.host.replaceChildren(h("p", { role: "alert" }, `The lessons did not arrive. ${error.message} `, again));
      return;
    }
    this.open(read(location.search, this.document));
  }

  get started() {
    return Boolean(this.document);
  }

  /** What is shown, as an address that others follow: each in a language of their own. */
  get search() {
    const { lesson, step } = this.state;
    if (lesson === null) return "lesson=";
    return write(this.view.isRevealed ? `${REVEALED}=1` : "", { ...this.state, lesson, step, lang: DEFAULT_LANGUAGE, presents: false }).slice(1);
  }

  holds() {
    return true;
  }

  /** Go to the step that a presenter shows, and show the answer with them; null leaves all to the reader again. */
  lead(search) {
    if (search === this.led) return;
    this.led = search;
    if (search === null) return;
    const { lesson, step } = read(search, this.document);
    if (lesson !== this.state.lesson || step !== this.state.step) this.go({ lesson, step });
    if (lesson !== null && new URLSearchParams(search).has(REVEALED)) this.view.forward();
  }

  get words() {
    return this.document.languages[this.state.lang];
  }

  get lesson() {
    return this.document.lessons.find(({ key }) => key === this.state.lesson) ?? null;
  }

  /** Texts of the lesson, in the default language where it was not translated. */
  textOf(key) {
    return this.words.texts[key] ?? this.document.languages.en.texts[key];
  }

  /** Go somewhere, and have the address say so; a step replaces the one before, so that "back" leaves the lesson. */
  go(changes) {
    const state = { ...this.state, wrong: [], ...changes };
    const address = `${location.pathname}${write(location.search, state)}`;
    if (this.lesson && !this.view.question) this.progress.set(this.lesson.key, this.state.step, PASSED);
    const isElsewhere = state.lesson !== this.state.lesson;
    history[isElsewhere ? "pushState" : "replaceState"](history.state, "", address);
    this.open(state, true);
  }

  /** @param {boolean} focuses whether the reader was here before, and is taken along */
  open(state, focuses = false) {
    this.view?.remove();
    this.state = state;
    const { lesson, words, host } = this;
    host.lang = state.lang;
    host.classList.toggle("presents", state.presents && lesson !== null);
    document.body.classList.toggle("bcl-presents", state.presents && lesson !== null);
    this.view = lesson ? this.stepOf(lesson) : new Home(this);
    this.presenter = lesson && state.presents ? new Presenter(this, lesson) : null;
    const wrong = state.wrong.map(({ what, given }) => h("p", { class: "wrong", role: "alert" }, this.wrongInWords(what, given)));
    const content = lesson ? [this.header(lesson), this.view.root, this.presenter?.root, this.footer(lesson)] : [this.view.root];
    host.replaceChildren(...wrong, ...content.filter(Boolean));
    host.dataset.step = lesson ? `${lesson.key}.${state.step + 1}` : "";
    if (!focuses || !lesson) return;
    this.view.heading.focus({ preventScroll: true });
    scrollTo({ top: 0 });
    host.closest("[data-testid=stMain]")?.scrollTo({ top: 0 });
  }

  wrongInWords(what, given) {
    const { words, document: { lessons, languages } } = this;
    const there = {
      lesson: lessons.map(({ key }) => key).join(", "),
      step: `1–${this.lesson?.steps.length}`,
      lang: Object.keys(languages).join(", "),
    };
    return filled(words.wrong[what], { given, there: there[what] });
  }

  stepOf(lesson) {
    const { words, document: all, told: { prefix, app }, state, progress } = this;
    const text = this.textOf(lesson.key).steps[state.step];
    const glossary = explained(lesson.numbers, words);
    const given = { text, numbers: lesson.numbers, words, glossary, document: all, prefix, app, lang: state.lang };
    const keep = (guess) => {
      progress.set(lesson.key, state.step, guess);
      if (guess === undefined) this.open(state, true);
      else this.update();
    };
    return new Step(lesson.steps[state.step], given, progress.at(lesson.key, state.step), keep);
  }

  header({ key, steps }) {
    const { words, state, progress } = this;
    const dots = steps.map((_, i) => {
      const look = [i === state.step ? "here" : "", progress.at(key, i) === undefined ? "" : "done"].join(" ").trim();
      const name = filled(words.step_of, { step: i + 1, steps: steps.length });
      return h("li", {}, button("", () => this.go({ step: i }), { class: look, "aria-label": name, "aria-current": i === state.step && "step" }));
    });
    const title = h("span", { class: "which" }, key.length === 1 ? h("b", {}, key) : null, this.textOf(key).title);
    const present = button(state.presents ? words.present_end : words.present, () => this.go({ presents: !state.presents }), { name: "present" });
    const print = button(words.print, () => window.print(), { name: "print" });
    return h(
      "header",
      { class: "top" },
      button(words.all_lessons, () => this.go({ lesson: null, step: 0, presents: false }), { class: "home" }),
      title,
      h("ol", { class: "dots" }, dots),
      h("span", { class: "tools" }, this.languages(), print, present),
    );
  }

  /** A switch of languages, where there are several. */
  languages() {
    const { languages } = this.document;
    const names = Object.keys(languages);
    if (names.length < 2) return null;
    const options = names.map((lang) => h("option", { value: lang, selected: lang === this.state.lang }, languages[lang].name));
    return h("select", { "aria-label": this.words.language, onchange: ({ target }) => this.go({ lang: target.value }) }, options);
  }

  footer({ steps }) {
    const { words, state } = this;
    const back = button(words.back, () => this.back(), { class: "back", disabled: state.step === 0 });
    this.next = button("", () => this.forward(), { class: "next primary" });
    const where = h("span", { class: "where" }, filled(words.step_of, { step: state.step + 1, steps: steps.length }));
    this.update();
    return h("footer", {}, back, this.presenter?.row ?? where, this.next);
  }

  /** What the button says that goes on. */
  update() {
    const { words, state, lesson, view } = this;
    const isLast = state.step === lesson.steps.length - 1;
    const next = isLast ? this.following : null;
    const goes = isLast ? (next ? filled(words.next_lesson, { lesson: this.textOf(next.key).title }) : words.finish) : words.next;
    this.next.textContent = view.isRevealed ? goes : words.show_answer;
    this.next.classList.toggle("primary", view.isRevealed);
  }

  /** The lesson after this one. */
  get following() {
    const { lessons } = this.document;
    return lessons[lessons.indexOf(this.lesson) + 1] ?? null;
  }

  forward() {
    const { state, lesson } = this;
    if (this.view.forward()) return;
    if (state.step + 1 < lesson.steps.length) this.go({ step: state.step + 1 });
    else this.go(this.following ? { lesson: this.following.key, step: 0 } : { lesson: null, step: 0 });
  }

  back() {
    if (this.state.step > 0) this.go({ step: this.state.step - 1 });
  }

  key(event) {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !this.lesson) return;
    if (target.matches?.(TYPED) || target.closest?.(ELSEWHERE)) return;
    const isPressed = target.matches?.("button, a, summary, [role=button]") && (key === " " || key === "Enter");
    const own = this.state.presents ? /^(Arrow|Home|End)/ : /^(Arrow|Home|End|Page)/; // a presenter's clicker turns pages
    const isRange = target.matches?.("[type=range]") && own.test(key);
    if (isPressed || isRange) return;
    if (this.view.question?.press(key) || this.presenter?.press(key)) event.preventDefault();
    else if (FORWARD.includes(key)) (event.preventDefault(), this.forward());
    else if (BACK.includes(key)) (event.preventDefault(), this.back());
    else if (key === "Escape" && this.state.presents) this.go({ presents: false });
  }

  /** The lesson as a handout, or all of them. */
  print() {
    if (!this.document) return;
    this.handout?.remove();
    this.handout = new Handout(this.lesson ? [this.lesson] : this.document.lessons, this);
    this.host.append(this.handout.root);
  }

  get pictures() {
    return this.view?.pictures ?? [];
  }

  remove() {
    this.listening.abort();
    this.view?.remove();
    document.body.classList.remove("bcl-presents");
  }
}

const mount = picturing(".bcl-lessons", Lessons);
export { mount as default };
