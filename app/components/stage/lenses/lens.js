// A way to look at the runs: a picture with a column a run, beside it what can be chosen and how to read it.
//
// A lens is a class with the static fields `key` (its name in addresses), `title`, `views` (whether it draws from the
// epochs' views, or their numbers are enough) and `fields` (of the state, see core/fields.js). Its instances build
// once, follow the state and the clock, and list their numbers in `rows()`.

import { h } from "../core/dom.js";
import { heading } from "../core/heading.js";

/** The state's word for all lenses below each other. */
export const ALL = "all";

const SAID = ["queued", "paused", "stopped", "failed"];
const BROKEN = "This picture could not be drawn from what the run recorded.";

/** What lenses have in common; of `build`, `options`, `arrived` and so on each has those that it needs. */
export class Lens {
  static fields = {};
  static views = true;

  columns = [];
  foot = null; // what stands last in its side

  /** @param {Object} stage */
  constructor(stage) {
    this.stage = stage;
    const { key, title } = this.constructor;
    this.picture = h("div", { class: "picture" });
    this.side = h("details", { class: "side", open: !stage.narrow }, h("summary", {}, "Options and explanation"));
    this.body = h("div", { class: "body" }, this.picture, this.side);
    this.root = h("section", { class: `lens ${key}`, id: `lens-${key}` }, h("h2", {}, title), this.body);
  }

  get key() {
    return this.constructor.key;
  }

  get title() {
    return this.constructor.title;
  }

  /** Whether the reader looks through it. */
  get wanted() {
    return [this.key, ALL].includes(this.stage.through);
  }

  /** Whether it may be built: what takes long to start waits until the first picture stands. */
  get ready() {
    return this.stage.warm;
  }

  get open() {
    return this.wanted && this.ready;
  }

  /** Follow the state; what is not looked through has never been built or stands still. */
  refresh() {
    this.root.hidden = !this.wanted;
    this.body.hidden = !this.open;
    if (!this.open) return;
    if (!this.built) {
      this.build();
      if (this.foot) this.side.append(this.foot);
    }
    this.built = true;
    this.try(() => this.options());
    this.try(() => this.arrived());
    this.update();
  }

  /** Draw; what the data made impossible is said in its place, and the other lenses go on. */
  try(draw) {
    try {
      draw();
    } catch (error) {
      console.error(error);
      for (const column of this.columns) column.say(BROKEN);
    }
  }

  /** Another epoch is shown, or the shown one has arrived. */
  update() {
    if (!this.open) return;
    for (const column of this.columns) {
      const { epoch, message, waiting } = this.look(column.run);
      column.say(message, waiting);
      column.note.textContent = whereItStands(column.run, epoch, this.stage.at.epoch);
    }
    this.try(() => this.epoch());
    this.try(() => this.frame());
  }

  /** What of a run is shown, or why nothing is; see the stage's `look`. */
  look(run) {
    return this.stage.look(run, this.constructor.views);
  }

  build() {}

  /** The state has changed. */
  options() {}

  /** Numbers of more epochs have arrived. */
  arrived() {}

  /** An epoch's view has arrived, maybe of another one than is shown. */
  viewed() {}

  /** Another epoch is shown. */
  epoch() {}

  /** Pictures that tween are at another place. */
  frame() {}

  /** Its numbers, for CSV: rows with the same keys, which say units; none where it shows nothing. */
  rows() {
    return [];
  }

  /** Charts and canvases, its own and its columns'. */
  get pictures() {
    return [...(this.chart ? [this.chart] : []), ...this.columns.flatMap(({ part }) => part?.pictures ?? [])];
  }

  retheme() {
    for (const picture of this.pictures) picture.retheme();
  }

  destroy() {
    for (const picture of this.pictures) picture.destroy();
  }

  /**
   * Add a column for each run that is shown. One whose classes are not known yet has no part.
   *
   * @param {(content: HTMLElement, run: Object) => Object} make draws into `content`, which is on the page by then;
   *   returns the column's part, which lists its `pictures`
   */
  addColumns(make) {
    this.columns = this.stage.runs.map((run) => new Column(run));
    const roots = this.columns.map(({ root }) => root);
    this.picture.append(h("div", { class: "columns", style: `--columns: ${roots.length}` }, roots));
    for (const column of this.columns) column.part = column.run.classes && make(column.content, column.run);
  }

  /** Columns that have something to draw: each with its part and the snapshot shown. */
  *drawn() {
    for (const column of this.columns) {
      const { snapshot } = this.stage.look(column.run);
      if (column.part && snapshot) yield { column, ...column, snapshot };
    }
  }
}

/** "epoch 12", or "epoch 9, its last · paused": what of a run is shown, and what it does where it may go on. */
function whereItStands({ state }, epoch, wanted) {
  const shown = epoch === null ? null : `epoch ${epoch}${epoch < wanted ? ", its last" : ""}`;
  return [shown, SAID.includes(state) ? state : null].filter(Boolean).join(" · ");
}

/** A run's place in a lens: its name, what its part draws, and over that what is to be said. */
class Column {
  part = null;

  constructor(run) {
    this.run = run;
    this.content = h("div", { class: "content" });
    this.message = h("p", { class: "message", role: "status", hidden: true });
    const { root, note } = heading(run);
    this.note = note;
    const stack = h("div", { class: "stack" }, this.content, this.message);
    this.root = h("div", { class: "column", "data-run": run.told.id }, root, stack);
  }

  /** Put a sentence in the picture's place, or over it while one waits; null takes it away. */
  say(text, waiting = false) {
    this.message.hidden = text === null;
    this.message.textContent = text ?? "";
    this.message.classList.toggle("waiting", waiting);
    this.content.classList.toggle("empty", text !== null && !waiting);
  }
}
