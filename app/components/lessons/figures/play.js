// Runs of the shelf over their epochs: a dot for each pair of classes, as on the Start page.

import { button, h } from "../../stage/core/dom.js";
import { filled } from "../../stage/core/templates.js";
import { Column } from "../../start/column.js";
import { placeAt, played } from "../../start/motion.js";
import { classesOf, curvesOf } from "./run.js";

export class Play {
  still = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(host, { runs: ids, tail }, { document: { runs, groups, sphere }, words, isRevealed }) {
    this.words = words;
    this.columns = ids.map((id, i) => {
      const { title, variant } = runs[id];
      const { colour, dash } = sphere.losses[variant];
      return new Column({ title, colour, dash, seeds: null }, groups, i === 0);
    });
    this.epoch = h("output", { class: "epoch" });
    this.again = button(words.play_again, () => this.play(), { class: "again" });
    const columns = this.columns.map(({ element }) => element);
    const grid = h("div", { class: "columns", style: `--columns: ${columns.length}` }, columns);
    host.append(h("div", { class: "bcl-start" }, h("div", { class: "controls" }, this.epoch, this.again), grid));
    this.columns.forEach((column, i) => {
      const told = runs[ids[i]];
      column.show({ classes: classesOf(told), curves: curvesOf(told) }, tail ?? told.tail);
    });
    const top = Math.max(...this.columns.map((column) => column.top));
    for (const column of this.columns) column.top = top;
    this.again.hidden = !isRevealed;
    this.draw(0);
    if (isRevealed) this.play();
  }

  reveal() {
    this.again.hidden = false;
    this.play();
  }

  play() {
    this.halt?.();
    this.halt = played((elapsed) => this.draw(elapsed), this.still);
  }

  draw(elapsed) {
    const { epochs } = this.columns[0];
    const epoch = epochs[Math.round(placeAt(elapsed, epochs.length - 1))];
    this.epoch.value = filled(this.words.epoch_of, { epoch, last: epochs.at(-1) });
    for (const column of this.columns) column.draw(placeAt(elapsed, column.epochs.length - 1));
  }

  get pictures() {
    return this.columns.flatMap(({ sheets }) => sheets);
  }

  remove() {
    this.halt?.();
  }
}
