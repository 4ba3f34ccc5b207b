// A run's geometry, small: the pairs of classes of its last epoch on an axis of degrees.

import { picturing } from "../mounting.js";
import { isUneven } from "../stage/core/classes.js";
import { h } from "../stage/core/dom.js";
import { fetchFrom, json, sentence } from "../stage/core/server.js";
import { Table, epochsOf } from "../stage/core/table.js";
import { dotsOf, drawDegrees, drawDots, drawRegular, thinned, topOf } from "../stage/plots/dots.js";
import { Sheet } from "../stage/plots/sheet.js";

const MARGIN = 14; // pixels beside the axis
const [FLOOR, LABELS] = [20, 7]; // from the bottom
const SPREAD = 8; // between the dots and the band's edges
const MOST_DOTS = 500;

class Thumbnail {
  /** @param {{prefix: string, id: string, alt: string, colours: Object<string, string>}} told by Python */
  constructor(host, told) {
    Object.assign(this, { host, told });
    const canvas = h("canvas", { role: "img", "aria-label": told.alt });
    host.replaceChildren(canvas);
    this.sheet = new Sheet(canvas, (...sheet) => this.paint(...sheet));
    this.pictures = [this.sheet];
    this.fetch().catch((error) => this.say(error.message));
  }

  async fetch() {
    const { prefix, id } = this.told;
    const ask = fetchFrom(prefix);
    const [{ runs }, { classes }] = (await Promise.all([ask(`pulse?runs=${id}`), ask(`runs/${id}/about`)])).map(json);
    const { rev, epochs, error } = runs[id];
    if (error) throw new Error(sentence(error));
    const last = epochsOf(epochs ?? []).at(-1);
    if (!classes || last === undefined) throw new Error("Nothing was recorded of this run.");
    const table = new Table(Infinity);
    table.read(await ask(`runs/${id}/history/${rev}?from=${last}&to=${last}&step=1`), last);
    this.show(classes, table.angles(last));
  }

  /** @param {Object} classes as `about` has them @param {?Float32Array} angles (K, K) degrees */
  show({ names, counts, groups, regular }, angles) {
    if (!angles) return this.say("No angles were recorded for so many classes.");
    const rare = new Set(isUneven(counts) ? groups.tail : []);
    const kinds = names.map((_, k) => (rare.has(k) ? "tail" : "medium"));
    Object.assign(this, { dots: thinned(dotsOf(angles, kinds), MOST_DOTS), regular });
    this.sheet.draw();
  }

  say(text) {
    this.host.append(h("p", {}, text));
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
    drawDots(context, axis, dots, { colours: this.told.colours });
  }
}

const mount = picturing(".bcl-thumbnail", Thumbnail);
export { mount as default };
