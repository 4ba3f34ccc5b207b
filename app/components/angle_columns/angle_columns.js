// The Start page's picture: what is rare on the left, and on the right how far apart each loss drives the classes.

import { Column } from "./column.js";
import { bars } from "./counts.js";
import { h } from "./elements.js";
import { LENGTH, epochAt } from "./motion.js";

const pictures = new WeakMap();

export default function mount({ data, parentElement }) {
  const host = parentElement.querySelector(".bcl-angle-columns");
  const told = JSON.stringify(data);
  if (pictures.get(host)?.told !== told) {
    pictures.get(host)?.remove();
    pictures.set(host, new Picture(host, data, told));
  }
  // Streamlit also calls this when a newer update overtook this one: the picture then stands, and stays.
  return () => host.isConnected || pictures.get(host)?.remove();
}

class Picture {
  constructor(host, data, told) {
    Object.assign(this, { data, told, condition: 0 });
    this.counts = h("div", { class: "counts" });
    this.columns = h("div", { class: "columns" });
    this.epoch = h("output", { class: "epoch" });
    this.again = h("button", { type: "button", class: "again" }, "Play again");
    this.balanced = h("input", { type: "checkbox", role: "switch" });
    this.lead = h("p", { class: "lead", "aria-live": "polite" });
    this.note = h("p", { class: "note" });
    const controls = h(
      "div",
      { class: "controls" },
      this.epoch,
      this.again,
      h("label", { class: "switch" }, this.balanced, "Balanced data"),
    );
    host.replaceChildren(
      h("div", { class: "both" }, this.counts, h("div", {}, controls, this.lead, this.columns, this.note)),
    );
    this.again.addEventListener("click", () => this.play());
    this.balanced.addEventListener("change", () => this.show(Number(this.balanced.checked)));
    this.show(0);
  }

  show(condition) {
    const { name, classes, runs, lead, note } = this.data.conditions[condition];
    this.counts.replaceChildren(...bars(name, classes, this.data));
    this.drawn = runs.map((run) => new Column(run, classes, this.data));
    this.columns.replaceChildren(...this.drawn.map((column) => column.element));
    this.last = runs[0].frames.length - 1;
    this.lead.textContent = lead;
    this.note.textContent = note;
    this.play();
  }

  play() {
    cancelAnimationFrame(this.frame);
    const start = performance.now();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = (now) => {
      const elapsed = still ? LENGTH : now - start;
      this.draw(epochAt(elapsed, this.last));
      this.again.disabled = elapsed < LENGTH;
      if (elapsed < LENGTH) this.frame = requestAnimationFrame(step);
    };
    step(start);
  }

  draw(epoch) {
    const whole = Math.round(epoch);
    this.epoch.textContent = `epoch ${whole} of ${this.last}`;
    for (const column of this.drawn) column.draw(epoch);
  }

  remove() {
    cancelAnimationFrame(this.frame);
  }
}
