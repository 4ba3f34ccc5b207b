// One sample close up while it is pointed at, and the list of those that are selected.

import { h, number } from "./dom.js";
import { angleTo, correspondence, neighboursOf, translate } from "./samples.js";
import { difference, toCsv, union } from "./select.js";

const NEIGHBOURS = 5;
const LISTED = 60;
const THUMB = 44; // pixels
const REST = 120; // milliseconds that a pointer rests before its neighbours are fetched
const EDGE = 16;

export class Detail {
  matches = new Map();

  constructor(app) {
    this.app = app;
    this.card = h("div", { class: "card", role: "status", hidden: true });
    this.list = h("div", { class: "list" });
    this.root = h("section", { class: "selection", hidden: true }, this.list);
  }

  // Pointing

  /** @param {?{column: Object, row: number, x: number, y: number}} at what the pointer is at; null for nothing */
  async point(at) {
    clearTimeout(this.waiting);
    this.card.hidden = !at;
    for (const { part, run } of this.columns()) {
      if (part !== at?.column) part.points.highlight(at && this.hitIn(run, at));
    }
    if (!at) return;
    this.fill(at, []);
    this.waiting = setTimeout(() => this.fetchNeighbours(at), REST);
  }

  columns() {
    return this.app.panels.find(({ name }) => name === "tour")?.columns.filter(({ part }) => part) ?? [];
  }

  hitIn(run, { column, row }) {
    const there = this.rowIn(column.run, run, row);
    return there < 0 ? null : { kind: "sample", index: there };
  }

  async fetchNeighbours(at) {
    const { run, snapshot } = at.column;
    const { data, shape } = await this.app.store.embeddings(run, snapshot.epoch).catch((error) => ({ data: null, shape: error.message }));
    if (this.card.hidden || this.shown !== at) return;
    if (!data) return this.card.append(h("p", { class: "note" }, shape));
    const [, d] = shape;
    const label = run.samples.labels[at.row];
    const toMean = angleTo(data, d, at.row, snapshot.get("class_means"), label);
    this.fill(at, neighboursOf(at.row, data, d, NEIGHBOURS), toMean);
  }

  fill(at, neighbours, toMean) {
    this.shown = at;
    const { run, snapshot, classes } = at.column;
    const { labels } = run.samples;
    const others = this.columns().filter(({ part, run: other }) => part !== at.column && part.snapshot && this.rowIn(run, other, at.row) >= 0);
    const lines = [
      h("b", {}, classes.names[labels[at.row]]),
      `, ${this.sayPrediction(run, snapshot, at.row)}`,
      ...others.map(({ part, run: other }) => h("div", { class: "note" }, `${other.told.label}: ${this.sayPrediction(other, part.snapshot, this.rowIn(run, other, at.row))}`)),
    ];
    const angle = toMean === undefined ? "…" : `${number(toMean, 1)}°`;
    this.card.replaceChildren(
      h("div", { class: "who" }, this.thumb(run, at.row, 72), h("div", {}, lines, h("div", {}, `${angle} from its class mean`))),
      h("p", { class: "note" }, "Nearest in the full space"),
      h("div", { class: "thumbs" }, neighbours.map(({ row, angle: away }) => h("figure", {}, this.thumb(run, row), h("figcaption", {}, classes.names[labels[row]], h("br"), `${number(away)}°`)))),
    );
    this.place(at);
  }

  sayPrediction(run, snapshot, row) {
    const predictions = snapshot.get("predictions");
    if (!predictions) return "no prediction recorded";
    const { names } = run.told.classes;
    const verdict = predictions[row] === run.samples.labels[row] ? "predicted right" : `predicted ${names[predictions[row]]}`;
    const confidences = snapshot.get("confidences");
    return confidences ? `${verdict}, confidence ${number(100 * confidences[row])} %` : verdict;
  }

  /** Under the picture, where it hides no samples; else beside what is pointed at. */
  place({ column, x, y }) {
    const box = column.points.stage.host.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.card;
    const floor = innerHeight - this.app.scrubber.root.offsetHeight;
    const under = box.bottom + height + EDGE / 2 < floor;
    const right = box.left + x + EDGE;
    const beside = right + width < innerWidth ? right : box.left + x - EDGE - width;
    const left = Math.max(EDGE / 2, Math.min(under ? box.left : beside, innerWidth - width - EDGE / 2));
    const top = under ? box.bottom + EDGE / 2 : Math.max(EDGE / 2, Math.min(box.top + y - height / 2, floor - height));
    Object.assign(this.card.style, { left: `${left}px`, top: `${top}px` });
  }

  thumb(run, row, size = THUMB) {
    const image = h("span", { class: "thumb", role: "img", "aria-label": `image ${row}`, style: `width:${size}px;height:${size}px` });
    const columns = Math.ceil(Math.sqrt(run.samples.labels.length));
    const rows = Math.ceil(run.samples.labels.length / columns);
    const share = (place, count) => (count > 1 ? (100 * place) / (count - 1) : 0);
    this.app.store.sprite(run).then((url) => {
      if (!url) return image.classList.add("none");
      image.style.backgroundImage = `url("${url}")`;
      image.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
      image.style.backgroundPosition = `${share(row % columns, columns)}% ${share(Math.floor(row / columns), rows)}%`;
    });
    return image;
  }

  // Selecting: the state's selection is of rows of the first run

  get first() {
    return this.app.store.runs.find((run) => run.samples);
  }

  match(from, to) {
    const key = `${from.told.id}/${to.told.id}`;
    if (!this.matches.has(key)) this.matches.set(key, correspondence(from.samples, to.samples));
    return this.matches.get(key);
  }

  related(a, b) {
    return a.samples && b.samples && a.told.source === b.told.source;
  }

  rowIn(from, to, row) {
    if (from === to) return row;
    return this.related(from, to) ? this.match(from, to)[row] : -1;
  }

  /** The selected samples of a run; null where nothing is selected. */
  selectionIn(run) {
    const { selection } = this.app.state;
    if (!selection.length || !this.first) return null;
    if (run === this.first) return selection.filter((row) => row < run.samples.labels.length);
    return this.related(this.first, run) ? translate(selection, this.match(this.first, run)) : new Uint32Array(0);
  }

  select(run, rows, how) {
    const { selection } = this.app.state;
    const known = run === this.first ? rows : this.related(run, this.first) ? translate(rows, this.match(run, this.first)) : rows.slice(0, 0);
    const combine = { replace: () => known, add: () => union(selection, known), remove: () => difference(selection, known) };
    this.app.set({ selection: combine[how]() });
  }

  /** Rows for the list and for CSV: the sample, and what each run makes of it at the epoch that is shown. */
  rowsOf(selection) {
    const { first } = this;
    const { samples, told } = first;
    return Array.from(selection, (row) => {
      const cells = {
        sample: row,
        index: samples.indices[row],
        split: samples.split[row] ? "train" : "test",
        class: told.classes.names[samples.labels[row]],
      };
      for (const run of this.app.runs) {
        const { snapshot, epoch } = this.app.look(run);
        const there = this.rowIn(first, run, row);
        const [predicted, confidence] = ["predictions", "confidences"].map((name) => snapshot?.get(name)?.[there] ?? null);
        cells[`${run.told.label}: predicted at epoch ${epoch}`] = predicted === null ? null : run.told.classes.names[predicted];
        cells[`${run.told.label}: confidence`] = confidence === null ? null : Number(confidence.toFixed(4));
      }
      return cells;
    });
  }

  update() {
    const { first } = this;
    const selection = first && this.selectionIn(first);
    this.root.hidden = !selection?.length;
    if (this.root.hidden) return;
    const rows = this.rowsOf(selection.subarray(0, LISTED));
    const [, , , , ...made] = Object.keys(rows[0]);
    const predicted = made.filter((_, i) => i % 2 === 0);
    const wrong = (row, name) => row[name] !== null && row[name] !== row.class;
    const beyond = selection.length > LISTED ? `, the first ${LISTED} listed` : "";
    const button = (text, onclick) => h("button", { type: "button", onclick }, text);
    const clear = button("Clear", () => this.app.set({ selection: new Uint32Array(0) }));
    this.list.replaceChildren(
      h("div", { class: "controls" }, h("b", {}, `${selection.length} selected${beyond}`), button("Download CSV", () => this.download()), clear),
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Selected samples" }, h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ["image", "sample", "class", ...predicted].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map((row) => h("tr", {}, h("td", {}, this.thumb(first, row.sample, 28)), h("td", {}, `${row.sample} (${row.split})`), h("td", {}, row.class), predicted.map((name) => h("td", { class: wrong(row, name) ? "wrong" : null }, `${wrong(row, name) ? "✗ " : ""}${row[name] ?? "–"}`))))),
      )),
    );
  }

  download() {
    const text = toCsv(this.rowsOf(this.selectionIn(this.first)));
    const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    h("a", { href: url, download: "selection.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
}
