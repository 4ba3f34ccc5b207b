// The data drawer: a button that asks for a look, how the look goes, and what it has found.

import { mounting } from "../mounting.js";
import { button, h } from "../stage/core/dom.js";
import { follow } from "../stage/core/jobs.js";
import { asker, fetchFrom, json, sentence } from "../stage/core/server.js";
import { classes, costs, overview, views } from "./facts.js";

const NOTHING = "A look reads the images, downloads them if need be, and does one training step to measure it.";
const NOWHERE = "Type the folder of the images above to see what is in it.";
const WAITING = "Two other looks are at work; this one starts after them.";

class Drawer {
  looked = null; // what was asked for last
  listening = new AbortController();

  constructor(host, { prefix }) {
    Object.assign(this, { prefix, fetchBytes: fetchFrom(prefix), ask: asker(prefix) });
    this.button = button("", () => this.look());
    this.status = h("p", { role: "status" });
    this.found = h("div");
    host.replaceChildren(h("div", { class: "controls" }, this.button, this.status), this.found);
  }

  /** @param {Object} told what Python tells: see `drawer` in __init__.py */
  tell(told) {
    this.told = told;
    this.show();
  }

  /** Show what belongs to the settings as they stand: nothing of a look at others. */
  show() {
    const { told, looked } = this;
    const here = looked?.request === requestOf(told);
    const ended = here && looked.state !== "running";
    this.found.hidden = !here;
    this.button.hidden = here && !ended;
    this.button.disabled = !told.execution;
    this.button.className = ended ? "" : "primary";
    this.button.textContent = ended ? "Look again" : "Look at these data";
    this.status.className = here && looked.fault ? "fault" : "quiet";
    this.status.textContent = here ? looked.words : told.execution ? NOTHING : NOWHERE;
  }

  async read(job, name) {
    return json(await this.fetchBytes(`jobs/${job}/${name}`));
  }

  /** A job's picture, as an address; `stamp` tells one making of it from the next. */
  picture(job, name, stamp) {
    return new URL(`${this.prefix}/jobs/${job}/${name}?made=${stamp}`, document.baseURI).href;
  }

  /** Ask for a look at all, or at the views of one image, and follow it. */
  follow({ recipe, execution }, { image = null, again = false }, tell, signal) {
    const ask = (job) => this.ask("look", { recipe, execution, image, again: again && !job });
    return follow(ask, this.fetchBytes, tell, signal);
  }

  async look() {
    const { told } = this;
    const request = requestOf(told);
    const again = this.looked?.request === request;
    this.listening.abort();
    this.listening = new AbortController();
    const { signal } = this.listening;
    const looked = { request, told, signal, state: "running", words: "Starting", stamp: Date.now() };
    this.looked = looked;
    this.found.replaceChildren();
    this.show();
    const tell = (state, job) => this.hear(looked, job, state);
    await this.follow(told, { again }, tell, signal).catch((error) => this.fail(looked, error.message));
  }

  async hear(looked, job, { state, progress, error }) {
    const hasEnded = state === "done" || state === "failed";
    const news = looked.progress !== progress || hasEnded;
    looked.progress = progress;
    looked.words = state === "unknown" ? WAITING : state === "running" ? progress || "Starting" : "";
    // The facts come before the measurement, as the job's next words.
    if (news && job && !looked.facts) {
      const facts = this.read(job, "preview.json");
      looked.facts = await (state === "done" ? facts : facts.catch(() => null)); // not written yet, or never
      if (looked.signal.aborted) return;
      if (looked.facts) this.showFacts(looked, job);
    }
    if (state === "failed" && !looked.facts) return this.fail(looked, error);
    if (state === "failed") {
      looked.cost.replaceChildren(h("p", { class: "warning" }, sentence(`They could not be measured: ${error}`)));
    }
    if (state === "done") {
      const cost = await this.read(job, "cost.json");
      if (looked.signal.aborted) return;
      const { name, recipe: { epochs } } = looked.told;
      looked.cost.replaceChildren(...costs(looked.facts, cost, { name, epochs }));
    }
    if (hasEnded) looked.state = state;
    this.show();
  }

  fail(looked, words) {
    Object.assign(looked, { state: "failed", fault: true, words: sentence(`These data cannot be looked at: ${words}`) });
    this.show();
  }

  showFacts(looked, job) {
    const { facts, told, stamp } = looked;
    looked.cost = h("div", { "aria-live": "polite" }, h("p", { class: "note" }, "Being measured."));
    const beside = [
      h("h3", {}, "Time and memory"),
      looked.cost,
      h("h3", {}, "Views"),
      h("p", { class: "note" }, told.views),
      this.viewer(looked, job),
    ];
    const sections = [classes(facts, this.picture(job, "samples.png", stamp), told), beside];
    this.found.replaceChildren(
      h("div", { class: "overview" }, overview(facts, told.recipe.data)),
      h("div", { class: "columns" }, sections.map((parts) => h("section", {}, parts))),
    );
  }

  /** The views of a training image, and a choice of another one. */
  viewer({ facts, stamp, told, signal }, job) {
    const last = facts.train_counts.reduce((total, count) => total + count, 0) - 1;
    const picture = (made, image) => views(this.picture(made, "views.png", stamp), image);
    const shown = h("div", {}, picture(job, 0));
    const said = h("p", { class: "note", role: "status" });
    let latest = null;

    const show = async (image) => {
      const mine = { get aborted() { return latest !== mine || signal.aborted; } };
      latest = mine;
      number.value = image;
      said.textContent = "Drawing the views";
      const hear = ({ state, progress, error }, made) => {
        if (state === "done") shown.replaceChildren(picture(made, image));
        said.textContent = { done: "", failed: error, unknown: WAITING, running: progress }[state];
      };
      const wanted = { image: image || null };
      await this.follow(told, wanted, hear, mine).catch((error) => (said.textContent = error.message));
    };
    const typed = () => show(Math.min(last, Math.max(0, Math.round(number.valueAsNumber) || 0)));
    const number = h("input", { type: "number", min: 0, max: last, value: 0, onchange: typed });
    const another = () => show(Math.floor(Math.random() * (last + 1)));
    const controls = [
      h("label", {}, "Training image", number),
      button("Another image", another),
      said,
    ];
    return h("div", {}, h("div", { class: "controls" }, controls), shown);
  }

  remove() {
    this.listening.abort();
  }
}

function requestOf({ recipe, execution }) {
  return JSON.stringify([recipe, execution]);
}

const mount = mounting(".bcl-drawer", (...given) => new Drawer(...given));
export { mount as default };
