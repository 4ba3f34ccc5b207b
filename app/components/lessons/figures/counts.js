// Training images of each class, and the scans themselves of the rarest.

import { h } from "../../stage/core/dom.js";
import { addScans, bars } from "../../start/counts.js";
import { classesOf } from "./run.js";

export class Counts {
  pictures = [];

  constructor(host, { runs: [id] }, { document: { runs, groups } }) {
    const told = runs[id];
    const run = { classes: classesOf(told), samples: told };
    const list = bars(run, told.tail, Math.max(...told.counts), groups);
    host.append(h("div", { class: "bcl-start" }, h("div", { class: "counts" }, list)));
    addScans(list, run, told.tail, { sprite: async () => told.sprite });
  }
}
