// A class: viewers see what the presenter's Lab or lesson shows, until they look around themselves. What travels is its
// address; whoever follows asks for it, as for everything else.

import { mounting } from "../mounting.js";
import { CHOSEN, button, h } from "../stage/core/dom.js";
import { asker, fetchFrom, json } from "../stage/core/server.js";
import { Question } from "./question.js";

const POLL = 750; // milliseconds between two questions what is shown
const WATCH = 200; // and between two looks whether the presenter's stage shows something else
const PATIENCE = 5000; // with a page that was opened, at first; then twice as long each time
const ALONE = "bcl-alone"; // in the tab's memory: whoever looks around goes on to when a page is loaded anew
const WORDS = { live: "You see what the teacher shows", frozen: "The teacher holds this picture", off: "" };
const SHORT = { live: "Teacher", frozen: "Held", off: "" }; // where there is no room for them

/** What a class can be led through on this page, once it is known what that shows: the Lab's stage, or the lessons. */
function shownHere() {
  const shown = document.querySelector(".bcl-stage")?.stage ?? document.querySelector(".bcl-lessons")?.lessons;
  return shown?.started && location.pathname.endsWith(`/${shown.page}`) ? shown : null;
}

/** Open a page of the app without loading it anew, once more where `again`: Streamlit follows the browser's history. */
function go(address, again = false) {
  history[again ? "replaceState" : "pushState"](null, "", new URL(address, document.baseURI));
  dispatchEvent(new PopStateEvent("popstate"));
}

class Following {
  opened = null; // what a page was opened for, when, and how long it has to come

  constructor({ ask, poll }) {
    this.poll = poll;
    this.words = h("span", { class: "words", role: "status" });
    this.short = h("span", { class: "short", "aria-hidden": "true" });
    this.turn = button("", () => this.setAlone(!this.alone), { name: "follow" });
    this.strip = h("div", { class: "strip", hidden: true }, this.words, this.short, this.turn);
    this.question = new Question(ask);
    this.parts = [this.strip, this.question.root];
    document.addEventListener(CHOSEN, this.wander);
  }

  /** Whoever chooses runs, or starts a race, looks at these. */
  wander = () => {
    if (this.state && this.state.how !== "off" && !this.alone) this.setAlone(true);
  };

  get alone() {
    return sessionStorage.getItem(ALONE) !== null;
  }

  get path() {
    return this.alone ? "class?alone" : "class";
  }

  setAlone(alone) {
    if (alone) sessionStorage.setItem(ALONE, "1");
    else sessionStorage.removeItem(ALONE);
    this.opened = null; // whoever comes back may have opened others meanwhile
    this.hear(this.state);
    this.poll();
  }

  hear(state) {
    const { alone } = this;
    this.state = state;
    this.strip.hidden = state.how === "off";
    this.words.textContent = alone ? "You look around" : WORDS[state.how];
    this.short.textContent = alone ? "" : SHORT[state.how];
    this.turn.textContent = alone ? "Back to the teacher" : "Look around myself";
    this.turn.classList.toggle("primary", alone);
    this.question.hear(state.poll);
    this.follow(state.place, state.how === "off" || alone ? null : state.search);
  }

  /** @param {?string} search what the presenter shows there, "" before anything is; null: nothing is followed */
  follow(place, search) {
    const shown = shownHere();
    if (!search) return shown?.lead(null);
    if (shown?.page === place && shown.holds(search)) {
      this.opened = null;
      return shown.lead(search);
    }
    const what = `${place} ${new URLSearchParams(search).get("runs")}`;
    const now = performance.now();
    const again = this.opened?.what === what;
    if (again && now - this.opened.at < this.opened.patience) return; // the page is on its way
    this.opened = { what, at: now, patience: again ? 2 * this.opened.patience : PATIENCE };
    const turn = place === "lab" ? `&led=${Date.now()}` : ""; // the same runs as before are asked for anew, too
    go(`${place}?${search}${turn}`, again);
  }

  remove() {
    document.removeEventListener(CHOSEN, this.wander);
  }
}

class Presenting {
  path = "class";
  state = { how: "off" };
  sent = null;

  constructor({ ask, poll }) {
    Object.assign(this, { ask, poll });
    const present = () => this.present(this.state.how === "off" ? "live" : "off");
    const hold = () => this.present(this.state.how === "frozen" ? "live" : "frozen");
    this.live = button("Present to the class", present, { name: "live" });
    this.held = button("Freeze", hold, { name: "freeze", title: "The class keeps the picture it has" });
    this.fault = h("span", { class: "fault", role: "alert" });
    const page = button("Class", () => go("class"), { name: "class" });
    this.parts = [h("div", { class: "strip" }, this.fault, this.live, this.held, page)];
    this.watching = setInterval(() => this.watch(), WATCH);
  }

  async present(how) {
    this.sent = null;
    await this.attempt("present", { how });
    this.poll();
  }

  hear(state) {
    this.state = state;
    this.live.ariaPressed = String(state.how !== "off");
    this.held.ariaPressed = String(state.how === "frozen");
    this.held.hidden = state.how === "off";
  }

  /** Send what this page shows, where that has changed, and one thing after another: the latest wins. */
  async watch() {
    const shown = shownHere();
    if (this.sending || document.hidden || !shown || this.state.how !== "live") return;
    const { page: place, search } = shown;
    if (`${place}?${search}` === this.sent) return;
    this.sending = true;
    await this.attempt("show", { place, search });
    Object.assign(this, { sending: false, sent: `${place}?${search}` });
  }

  async attempt(verb, args) {
    this.fault.textContent = await this.ask(verb, args).then(() => "", ({ message }) => message);
  }

  remove() {
    clearInterval(this.watching);
  }
}

class Classroom {
  constructor(host, { prefix, presents }) {
    this.fetchBytes = fetchFrom(prefix);
    const given = { ask: asker(prefix), poll: () => this.poll() };
    this.part = presents ? new Presenting(given) : new Following(given);
    host.replaceChildren(...this.part.parts);
    this.polling = setInterval(() => document.hidden || this.poll(), POLL);
    this.poll();
  }

  tell() {}

  async poll() {
    const asked = (this.asked = {});
    const state = await this.fetchBytes(this.part.path).then(json, () => null); // away: it is asked again
    if (state && asked === this.asked) this.part.hear(state);
  }

  remove() {
    clearInterval(this.polling);
    this.asked = null;
    this.part.remove?.();
  }
}

const mount = mounting(".bcl-classroom", (...given) => new Classroom(...given));
export { mount as default };
