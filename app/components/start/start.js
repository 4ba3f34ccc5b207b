// The Start page's play: what is rare on the left, and on the right how far apart each loss drives the classes.

import { picturing } from "../mounting.js";
import { isUneven } from "../stage/core/classes.js";
import { button, h } from "../stage/core/dom.js";
import { fetchFrom } from "../stage/core/server.js";
import { Store } from "../stage/core/store.js";
import { Column } from "./column.js";
import { addScans, bars } from "./counts.js";
import { LENGTH, placeAt, played } from "./motion.js";

const SEEN = 0.5; // of the columns, for the play to begin

class Play {
  columns = []; // of the condition that is shown
  hasPlayed = false;
  still = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {Object} told see `told` in __init__.py @param {Object} component tells Python which condition is shown */
  constructor(host, told, component) {
    Object.assign(this, { host, told, component });
    this.store = new Store(fetchFrom(told.prefix), () => this.arrive());
    this.build();
    const seen = (entries) => this.see(entries.at(-1).intersectionRatio);
    this.observer = new IntersectionObserver(seen, { threshold: SEEN });
    this.observer.observe(this.stage);
    this.choose(told.conditions[0]);
  }

  build() {
    const { conditions, note } = this.told;
    this.heading = h("h3");
    this.counts = h("div", { class: "counts" });
    this.stage = h("div", { class: "columns" });
    this.epoch = h("output", { class: "epoch" }, "epoch 0");
    this.again = button("Play again", () => this.play(), { class: "again" });
    this.into = h("a", { class: "into" }, "Look into these runs");
    this.message = h("p", { role: "status", hidden: true });
    this.leads = conditions.map(({ lead, sure }) => h("p", {}, h("strong", {}, lead), ` ${sure}`));
    const turn = ({ target }) => {
      this.choose(conditions[Number(target.checked)]);
      this.component.setStateValue("group", this.condition.group);
    };
    const balanced = h("input", { type: "checkbox", role: "switch", onchange: turn });
    const control = h("label", { class: "switch" }, balanced, "Balanced data");
    this.host.replaceChildren(
      h("div", { class: "controls" }, this.epoch, this.again, control, this.into),
      this.message,
      h("div", { class: "both" }, h("div", {}, this.heading, this.counts), this.stage),
      h("div", { class: "result" }, h("div", { class: "leads lines", "aria-live": "polite" }, this.leads)),
      h("div", { class: "result" }, h("div", { class: "note lines" }, h("p", {}, note))),
    );
  }

  /** Show a condition: the long tail, or balanced data. */
  choose(condition) {
    this.condition = condition;
    this.stop();
    for (const picture of this.pictures) picture.destroy();
    const { conditions, groups } = this.told;
    const { name, runs } = condition;
    this.heading.textContent = `${name}: images of each digit`;
    this.into.href = `lab?runs=${runs.map(({ id }) => id).join(".")}`;
    this.columns = runs.map((run, i) => new Column(run, groups, i === 0));
    this.stage.replaceChildren(...this.columns.map(({ element }) => element));
    this.leads.forEach((lead, i) => lead.classList.toggle("other", conditions[i] !== condition));
    this.isHere = this.hasPlayed = false;
    // The long tail's first run says which classes are rare: they are the same digits in both conditions.
    const asked = new Set([...runs, conditions[0].runs[0]]);
    this.store.show(Array.from(asked, ({ id, title }) => ({ id, label: title }))).then(() => this.arrive());
  }

  /** Something has arrived: draw the first epoch once all is here. */
  arrive() {
    const { store, told: { conditions } } = this;
    const [longTail, ...runs] = [conditions[0].runs[0], ...this.condition.runs].map(({ id }) => store.known.get(id));
    const all = [longTail, ...runs];
    const lack = store.away ?? all.map((run) => run?.lack ?? run?.fault("samples")).find(Boolean);
    this.message.hidden = !lack;
    this.message.textContent = `The play cannot be shown. ${lack}`;
    if (this.isHere || !all.every((run) => run?.classes && run.curves.means.size)) return;
    this.isHere = true;
    const { counts, groups: { tail } } = longTail.classes;
    this.columns.forEach((column, i) => column.show(runs[i], tail));
    const top = Math.max(...this.columns.map((column) => column.top));
    for (const column of this.columns) column.top = top;
    this.showCounts(runs[0], tail, Math.max(...counts));
    this.draw(0);
    this.see();
  }

  async showCounts(run, tail, most) {
    const list = bars(run, tail, most, this.told.groups);
    this.counts.replaceChildren(list);
    if (!isUneven(run.classes.counts)) return;
    await this.store.samples(run);
    if (run.samples) addScans(list, run, tail, this.store);
  }

  /** Play, once, as soon as enough is seen; who wants less motion sees the end at once. */
  see(share = this.seen ?? 0) {
    this.seen = share;
    if (this.isHere && !this.hasPlayed && (this.still.matches || share >= SEEN)) this.play();
  }

  play() {
    this.stop();
    this.hasPlayed = true;
    this.halt = played((elapsed) => this.draw(elapsed), this.still);
  }

  /** @param {number} elapsed milliseconds of the play */
  draw(elapsed) {
    const { epochs } = this.columns[0];
    this.epoch.textContent = `epoch ${epochs[Math.round(placeAt(elapsed, epochs.length - 1))]} of ${epochs.at(-1)}`;
    for (const column of this.columns) column.draw(placeAt(elapsed, column.epochs.length - 1));
    this.end(elapsed >= LENGTH);
  }

  end(hasEnded) {
    this.host.dataset.ended = String(hasEnded);
    this.again.disabled = !hasEnded;
  }

  stop() {
    this.halt?.();
    this.end(false);
  }

  get pictures() {
    return this.columns.flatMap(({ sheets }) => sheets);
  }

  remove() {
    this.stop();
    this.observer.disconnect();
    this.store.stop();
  }
}

const mount = picturing(".bcl-start", Play);
export { mount as default };
