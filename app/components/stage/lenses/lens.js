// A section of the page that opens and closes, with a column for each run and a place in it for what goes wrong.

import { columnHead, h } from "../core/dom.js";

/** What panels have in common; of `build`, `options`, `arrived` and so on each has those that it needs. */
export class Panel {
  columns = [];

  /**
   * @param {Object} stage the stage
   * @param {string} name as in the state's `panels`
   * @param {string} title
   */
  constructor(stage, name, title) {
    Object.assign(this, { stage, name });
    this.body = h("div", { class: "body" });
    this.button = h("button", { type: "button", onclick: () => this.turn() }, title);
    this.root = h("section", { class: `panel ${name}` }, h("h2", {}, this.button), this.body);
  }

  /** Whether it draws from the epochs' views; otherwise their numbers are enough. */
  get views() {
    return true;
  }

  /** Whether the reader has opened it. */
  get wanted() {
    return this.stage.state.panels.includes(this.name);
  }

  /** Whether it may be built: what takes long to start waits until the first picture stands. */
  get ready() {
    return this.stage.warm;
  }

  get open() {
    return this.wanted && this.ready;
  }

  turn() {
    const { panels } = this.stage.state;
    this.stage.set({ panels: this.wanted ? panels.filter((name) => name !== this.name) : [...panels, this.name] });
  }

  /** Follow the state; what is closed has never been built or stands still. */
  refresh() {
    this.button.ariaExpanded = String(this.wanted);
    this.body.hidden = !this.open;
    if (!this.open) return;
    if (!this.built) this.build();
    this.built = true;
    this.try(() => this.options());
    this.try(() => this.arrived());
    this.update();
  }

  /** Draw; what the data made impossible is said in its place, and the other panels go on. */
  try(draw) {
    try {
      draw();
    } catch (error) {
      console.error(error);
      for (const column of this.columns) column.say("This picture could not be drawn from what the run recorded.");
    }
  }

  /** Another epoch is shown, or the shown one has arrived. */
  update() {
    if (!this.open) return;
    for (const column of this.columns) {
      const { epoch, message, waiting } = this.stage.look(column.run, this.views);
      column.say(message, waiting);
      const earlier = epoch < this.stage.at.epoch ? ", its last" : "";
      column.note.textContent = epoch === null ? "" : `epoch ${epoch}${earlier}`;
    }
    this.try(() => this.epoch());
    this.try(() => this.frame());
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
    this.body.append(h("div", { class: "columns", style: `--columns: ${roots.length}` }, roots));
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

/** A run's place in a panel: its name, what its part draws, and over that what is to be said. */
class Column {
  part = null;

  constructor(run) {
    this.run = run;
    this.content = h("div", { class: "content" });
    this.message = h("p", { class: "message", role: "status", hidden: true });
    const { root, note } = columnHead(run);
    this.note = note;
    this.root = h("div", { class: "column" }, root, h("div", { class: "stack" }, this.content, this.message));
  }

  /** Put a sentence in the picture's place, or over it while one waits; null takes it away. */
  say(text, waiting = false) {
    this.message.hidden = text === null;
    this.message.textContent = text ?? "";
    this.message.classList.toggle("waiting", waiting);
    this.content.classList.toggle("empty", text !== null && !waiting);
  }
}
