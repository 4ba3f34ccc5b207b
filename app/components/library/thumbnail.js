// A run's geometry, small: the pairs of classes of its last epoch on an axis of degrees.

import { isUneven } from "../stage/core/classes.js";
import { h } from "../stage/core/dom.js";
import { Table } from "../stage/core/table.js";
import { dotsOf, drawDegrees, drawDots, drawRegular, thinned, topOf } from "../stage/plots/dots.js";
import { Sheet } from "../stage/plots/sheet.js";

const MARGIN = 14; // pixels beside the axis
const [FLOOR, LABELS] = [20, 7]; // from the bottom
const SPREAD = 8; // between the dots and the band's edges
const MOST_DOTS = 500;

export class Thumbnail {
  drawn = null; // of which epoch's data

  /** @param {(path: string) => Promise<ArrayBuffer>} fetchBytes @param {Object<string, string>} colours by group */
  constructor(fetchBytes, colours) {
    Object.assign(this, { fetchBytes, colours });
    this.canvas = h("canvas", { role: "img" });
    this.said = h("p");
    this.root = h("div", { class: "thumbnail" }, this.canvas, this.said);
    this.sheet = new Sheet(this.canvas, (...sheet) => this.paint(...sheet));
  }

  /**
   * Draw a run as it is after its last epoch; what is drawn of that already stays.
   *
   * @param {LibraryRun} run @returns {Promise<?Classes>} its classes, null where they are not known
   */
  async show({ id, rev, epoch }) {
    const wanted = `${rev}/${epoch}`;
    if (this.drawn === wanted) return null;
    this.drawn = wanted;
    try {
      const [about, curves] = await Promise.all([
        this.fetchBytes(`runs/${id}/about`),
        this.fetchBytes(`runs/${id}/history/${rev}?from=${epoch}&to=${epoch}&step=1`),
      ]);
      const { classes, faults } = JSON.parse(new TextDecoder().decode(about));
      if (!classes) this.say(Object.values(faults)[0] ?? "Nothing was recorded of this run.");
      else this.draw(classes, curves, epoch);
      return classes;
    } catch (error) {
      this.say(error.message);
      this.drawn = null;
      return null;
    }
  }

  draw({ names, counts, groups, regular }, curves, epoch) {
    const table = new Table(Infinity);
    table.read(curves, epoch);
    const angles = table.angles(epoch);
    if (!angles) return this.say("No angles were recorded for so many classes.");
    const rare = new Set(isUneven(counts) ? groups.tail : []);
    const kinds = names.map((_, k) => (rare.has(k) ? "tail" : "medium"));
    Object.assign(this, { dots: thinned(dotsOf(angles, kinds), MOST_DOTS), regular });
    this.say("");
    this.sheet.draw();
  }

  say(text) {
    this.said.textContent = text;
  }

  paint(context, width, height, theme) {
    const { dots = [], regular = null } = this;
    const floor = height - FLOOR;
    const sides = [SPREAD, floor - SPREAD];
    const axis = { zero: MARGIN, end: width - MARGIN, highest: topOf(dots), sides, upright: false };
    context.fillStyle = theme.line;
    context.fillRect(MARGIN, floor - 0.5, width - 2 * MARGIN, 1);
    drawDegrees(context, axis, { beside: height - LABELS, font: `11px ${theme.font}`, colour: theme.quiet, regular });
    if (regular === null) return;
    drawRegular(context, axis, regular, [2, floor], theme.text);
    drawDots(context, axis, dots, { colours: this.colours });
  }

  retheme() {
    this.sheet.retheme();
  }

  remove() {
    this.sheet.destroy();
  }
}
