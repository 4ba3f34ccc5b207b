// One sample close up, while it is pointed at.

import { h, number } from "./dom.js";
import { predictionInWords } from "./linked.js";
import { angleTo } from "./geometry.js";

const NEIGHBOURS = 5;
const LARGE = 72; // pixels
const REST = 120; // milliseconds that a pointer rests before the full embeddings are fetched
const EDGE = 16;

export class Card {
  constructor(stage) {
    this.stage = stage;
    this.root = h("div", { class: "card", role: "status", hidden: true });
  }

  /** @param {?{column: Object, row: number, x: number, y: number}} at what the pointer is at; null for nothing */
  point(at) {
    clearTimeout(this.waiting);
    this.at = at;
    this.root.hidden = !at;
    for (const part of this.parts) {
      const index = at ? this.stage.linked.rowIn(at.column.run, part.run, at.row) : -1;
      if (part !== at?.column) part.points.highlight(index < 0 ? null : { kind: "sample", index });
    }
    if (!at) return;
    this.fill(at, []);
    this.waiting = setTimeout(() => this.measure(at), REST);
  }

  get parts() {
    return this.stage.lens("embedding").parts;
  }

  async measure(at) {
    const { run, snapshot } = at.column;
    try {
      const { data, shape } = await this.stage.store.views.embeddings(run, snapshot.epoch);
      if (this.at !== at) return;
      const toMean = angleTo(data, shape[1], at.row, snapshot.get("class_means"), run.samples.labels[at.row]);
      this.fill(at, neighboursOf(at.row, data, shape[1]), toMean);
    } catch (error) {
      if (this.at === at) this.root.append(h("p", { class: "note" }, error.message));
    }
  }

  fill(at, neighbours, toMean) {
    const { run, snapshot, classes } = at.column;
    const { labels } = run.samples;
    const who = [
      h("b", {}, classes.names[labels[at.row]]),
      `, ${predictionInWords(run, snapshot, at.row)}`,
      ...this.elsewhere(at).map((words) => h("div", { class: "note" }, words)),
      h("div", {}, `${toMean === undefined ? "…" : `${number(toMean, 1)}°`} from its class mean`),
    ];
    const near = neighbours.map(({ row, angle }) => {
      const caption = h("figcaption", {}, classes.names[labels[row]], h("br"), `${number(angle)}°`);
      return h("figure", {}, thumb(this.stage, run, row), caption);
    });
    this.root.replaceChildren(
      h("div", { class: "who" }, thumb(this.stage, run, at.row, LARGE), h("div", {}, who)),
      h("p", { class: "note" }, "Nearest in the full space"),
      h("div", { class: "thumbs" }, near),
    );
    this.place(at);
  }

  elsewhere({ column, row }) {
    const others = this.parts.filter((part) => part !== column && part.snapshot);
    return others.flatMap(({ run, snapshot }) => {
      const there = this.stage.linked.rowIn(column.run, run, row);
      return there < 0 ? [] : `${run.told.label}: ${predictionInWords(run, snapshot, there)}`;
    });
  }

  /** Under the picture, where it hides no samples; else beside what is pointed at. */
  place({ column, x, y }) {
    const box = column.points.host.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const floor = innerHeight - this.stage.bar.root.offsetHeight;
    const under = box.bottom + height + EDGE / 2 < floor;
    const right = box.left + x + EDGE;
    const beside = right + width < innerWidth ? right : box.left + x - EDGE - width;
    const left = Math.max(EDGE / 2, Math.min(under ? box.left : beside, innerWidth - width - EDGE / 2));
    const top = under ? box.bottom + EDGE / 2 : Math.max(EDGE / 2, Math.min(box.top + y - height / 2, floor - height));
    Object.assign(this.root.style, { left: `${left}px`, top: `${top}px` });
  }
}

/** The samples at the smallest angles to one of them, the nearest first. @returns {{row: number, angle: number}[]} */
function neighboursOf(row, embeddings, d) {
  const angle = (_, other) => ({ row: other, angle: angleTo(embeddings, d, other, embeddings, row) });
  const others = Array.from({ length: embeddings.length / d }, angle).filter((other) => other.row !== row);
  return others.sort((a, b) => a.angle - b.angle).slice(0, NEIGHBOURS);
}

export function thumb(stage, run, row, size = 44) {
  const style = `width:${size}px;height:${size}px`;
  const image = h("span", { class: "thumb", role: "img", "aria-label": `image ${row}`, style });
  const count = run.samples.labels.length;
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const share = (place, places) => (places > 1 ? (100 * place) / (places - 1) : 0);
  stage.store.sprite(run).then((url) => {
    if (!url) return image.classList.add("none");
    image.style.backgroundImage = `url("${url}")`;
    image.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
    image.style.backgroundPosition = `${share(row % columns, columns)}% ${share(Math.floor(row / columns), rows)}%`;
  });
  return image;
}
