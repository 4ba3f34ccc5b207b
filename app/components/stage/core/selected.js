// The list of the selected samples, and what every run makes of them.

import { thumb } from "./card.js";
import { button, download, h } from "./dom.js";
import { toCsv } from "./select.js";

const LISTED = 60;
const SMALL = 28; // pixels

export class Selected {
  constructor(stage) {
    this.stage = stage;
    this.root = h("section", { class: "selection", hidden: true });
  }

  /** Rows for the list and for CSV: the samples, and what each run makes of them at the epoch that is shown. */
  rowsOf(selection) {
    const { first } = this.stage.linked;
    const { labels, indices, split } = first.samples;
    return Array.from(selection, (row) => ({
      sample: row,
      index: indices[row],
      split: split[row] ? "train" : "test",
      class: first.classes.names[labels[row]],
      ...Object.assign({}, ...this.stage.runs.map((run) => this.made(run, this.stage.linked.rowIn(first, run, row)))),
    }));
  }

  made(run, row) {
    const { snapshot, epoch } = this.stage.look(run);
    const of = (name) => snapshot?.get(name)?.[row] ?? null;
    const [predicted, confidence] = [of("predictions"), of("confidences")];
    const { label } = run.told;
    return {
      [predictedBy(label, epoch)]: predicted === null ? null : run.classes.names[predicted],
      [`${label}: confidence`]: confidence === null ? null : Number(confidence.toFixed(4)),
    };
  }

  update() {
    const { linked, runs } = this.stage;
    const selection = linked.first && linked.selectionIn(linked.first);
    this.root.hidden = !selection?.length;
    if (this.root.hidden) return;
    const predictions = runs.map((run) => predictedBy(run.told.label, this.stage.look(run).epoch));
    const rows = this.rowsOf(selection.subarray(0, LISTED));
    const headings = ["image", "sample", "class", ...predictions].map((name) => h("th", { scope: "col" }, name));
    const body = rows.map((row) => this.line(row, predictions));
    const table = h("table", {}, h("thead", {}, h("tr", {}, headings)), h("tbody", {}, body));
    const beyond = selection.length > LISTED ? `, the first ${LISTED} listed` : "";
    const controls = [
      h("b", {}, `${selection.length} selected${beyond}`),
      button("Download CSV", () => download(toCsv(this.rowsOf(selection)), "selection.csv")),
      button("Clear", () => this.stage.set({ selection: new Uint32Array(0) })),
    ];
    const region = { class: "scroll", tabindex: 0, role: "region", "aria-label": "Selected samples" };
    this.root.replaceChildren(h("div", { class: "controls" }, controls), h("div", region, table));
  }

  line(row, predictions) {
    const prediction = (value) => {
      const wrong = value !== null && value !== row.class;
      return h("td", { class: wrong ? "wrong" : null }, `${wrong ? "✗ " : ""}${value ?? "–"}`);
    };
    const cells = [`${row.sample} (${row.split})`, row.class].map((text) => h("td", {}, text));
    const image = h("td", {}, thumb(this.stage, this.stage.linked.first, row.sample, SMALL));
    return h("tr", {}, image, cells, predictions.map((name) => prediction(row[name])));
  }
}

function predictedBy(label, epoch) {
  return `${label}: predicted at epoch ${epoch}`;
}
