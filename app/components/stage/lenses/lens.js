// A way to look at the runs: a picture with a column a run, beside it what can be chosen and how to read it.
//
// A lens is a class with the static fields `key` (its name in addresses), `title`, `proof` (where in the documents it
// is derived), `views` (whether it draws from the epochs' views, or their numbers are enough), `samples` (whether it
// must know which sample is which) and `fields` (of the state, see core/fields.js). Its instances build once, with `build()`, list their numbers for CSV in `rows()`, whose keys say units, and follow what they need to:
// `options()` the state, `arrived()` numbers of more epochs, `viewed()` an epoch's view, maybe of another one than is
// shown, `epoch()` the epoch that is shown, and `frame()` the place of what tweens.

import { button, h, number, popup, swatch } from "../core/dom.js";
import { versionsOf } from "../export/words.js";

/** The state's word for all lenses below each other. */
export const ALL = "all";
export const ANGLE = "angle (degrees)"; // a header of CSV

const SAID = ["queued", "paused", "stopped", "failed"];
const BROKEN = "This picture could not be drawn from what the run recorded.";

export class Lens {
  static fields = {};
  static views = true;
  static samples = false;
  static isFirst = false; // whether it is the first picture: what takes long to start waits until that stands

  columns = [];
  legend = h("div", { class: "legend" });
  words = h("p", { class: "key" });

  constructor(stage) {
    const { key, title } = this.constructor;
    Object.assign(this, { stage, key, title });
    this.picture = h("div", { class: "picture" });
    this.side = h("details", { class: "side", open: !stage.narrow.matches }, h("summary", {}, "Options and explanation"));
    this.body = h("div", { class: "body" }, this.picture, this.side);
    this.root = h("section", { class: `lens ${key}`, id: `lens-${key}` }, h("h2", {}, title), this.body);
  }

  get wanted() {
    return [this.key, ALL].includes(this.stage.through);
  }

  get open() {
    return this.wanted && (this.stage.warm || this.constructor.isFirst);
  }

  /** Follow the state; what is not looked through has never been built or stands still. */
  refresh() {
    this.root.hidden = !this.wanted;
    this.body.hidden = !this.open;
    if (!this.open) return;
    if (!this.built) {
      this.picture.append(this.legend);
      this.side.append(this.words);
      this.build();
      // A page that was saved has no documents beside it.
      const { proof } = this.constructor;
      const source = this.stage.ask ? h("a", { class: "proof", href: proof }, "Where this comes from") : null;
      this.side.append(h("div", { class: "foot" }, source, this.foot)); // the latter is its menu of files
    }
    this.built = true;
    this.try("options");
    this.try("arrived");
    this.update();
  }

  /** Follow something; what the data made impossible is said in the picture's place, and the other lenses go on. */
  try(what) {
    try {
      this[what]?.();
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
    this.try("epoch");
    this.try("frame");
  }

  look(run) {
    return this.stage.look(run, this.constructor.views);
  }

  get parts() {
    return this.columns.flatMap(({ part }) => part ?? []);
  }

  rows() {
    return [...this.drawn()].flatMap(({ part, snapshot }) => part.rows(snapshot));
  }

  get pictures() {
    return this.parts.flatMap(({ pictures }) => pictures);
  }

  retheme() {
    for (const picture of this.pictures) picture.retheme?.();
  }

  destroy() {
    for (const picture of this.pictures) picture.destroy?.();
  }

  offer(...controls) {
    this.words.before(h("div", { class: "controls" }, controls));
  }

  /**
   * Add a column for each run that is shown. One whose classes are not known yet has no part.
   *
   * @param make (content, run) → the column's part, which draws into `content`, on the page, and lists its `pictures`
   */
  addColumns(make) {
    this.columns = this.stage.runs.map((run) => new Column(run));
    const roots = this.columns.map(({ root }) => root);
    this.legend.before(h("div", { class: "columns" }, roots));
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
function whereItStands({ state, isMeasured }, epoch, wanted) {
  const shown = epoch === null ? null : `epoch ${epoch}${epoch < wanted ? ", its last" : ""}`;
  return [shown, isMeasured ? "imported" : SAID.includes(state) ? state : null].filter(Boolean).join(" · ");
}

/** A run's place in a lens: its name, which tells the recipe; what its part draws; over that what is to be said. */
class Column {
  part = null;
  content = h("div", { class: "content" });
  message = h("p", { class: "message", role: "status", hidden: true });
  note = h("span", { class: "note" }); // where it stands

  constructor(run) {
    this.run = run;
    const { told, about } = run;
    const facts = h("div", { class: "facts", popover: true }, about ? describe(about) : "Nothing is known of it yet.");
    const name = button(h("span", {}, told.label), null, { class: "name", title: `Recipe of ${told.label}` });
    popup(name, facts);
    const head = h("header", {}, swatch(told), name, this.note, facts);
    const stack = h("div", { class: "stack" }, this.content, this.message);
    this.root = h("div", { class: "column", "data-run": told.id }, head, stack);
  }

  /** Put a sentence in the picture's place, or over it while one waits; null takes it away. */
  say(text, waiting = false) {
    this.message.hidden = text === null;
    this.message.textContent = text ?? "";
    this.message.classList.toggle("waiting", waiting);
    this.content.classList.toggle("empty", text !== null && !waiting);
  }
}

function describe({ name, group, recipe, ...about }) {
  const lines = [["Run", name], ["Group", group], ["Recipe", recipe], ["Made with", versionsOf(about)]];
  return h("dl", {}, lines.filter(([, text]) => text).flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)]));
}

/** Every two of K classes once, the smaller number first. @returns {[number, number][]} ordered by the second */
export function pairsOf(K) {
  return Array.from({ length: K }, (_, i) => Array.from({ length: i }, (_, j) => [j, i])).flat();
}

/** Degrees for CSV, as exact as class means in 32 bits are. */
export function degrees(value) {
  return Number.isFinite(value) ? number(value, 4).replace("−", "-") : "";
}

export function significant(value) {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : "";
}
