// Optima predicted for batches of a size: how far each two class means are from the regular simplex, a heat map a loss.

import { picturing } from "../mounting.js";
import { heatMapClasses } from "../stage/core/classes.js";
import { h, number } from "../stage/core/dom.js";
import { deviation, groupsOf, simplexAngle } from "../stage/core/geometry.js";
import { deviationScale } from "../stage/plots/deviation.js";
import { HeatMap } from "../stage/plots/heatmap.js";

const KEY =
  "Red: closer than in the regular simplex; blue: farther apart. A corner marks what lies beyond ±45°. Point at " +
  "a pair, or go there by the arrow keys, for its angle.";
const GROUPED = " Click a block to see its classes.";

class Predicted {
  /** @param {{counts: number[], batches: string, stops: [number, string][], maps: {title: string, angles: number[]}[]}} told by Python */
  constructor(host, { counts, batches, stops, maps }) {
    this.regular = simplexAngle(counts.length);
    this.classes = heatMapClasses({ names: counts.map((_, k) => String(k)), counts, groups: groupsOf(counts) });
    this.scale = deviationScale(stops, `${number(this.regular, 1)}°`);
    this.batches = batches;
    this.grid = h("div", { class: "grid" });
    const key = h("p", { class: "key" }, `Predicted for ${batches}. ${KEY}` + (this.classes.groups.length ? GROUPED : ""));
    host.replaceChildren(this.grid, key); // at once: the maps read the page's colours
    this.maps = maps.map((told) => this.build(told));
  }

  /** @returns {{picture: HeatMap, read: (hit: ?Hit) => void}} */
  build({ title, angles }) {
    const [host, readout] = [h("div", { class: "map" }), h("p", { class: "readout" })];
    this.grid.append(h("section", {}, h("h3", {}, title), host, readout));
    const picture = new HeatMap(host, {
      label: `Angles predicted for ${this.batches}, ${title}`,
      onHover: (hit) => this.point(hit, picture),
      onOpen: (blocks) => this.pictures.forEach((other) => other.setOpen(blocks)),
    });
    picture.setClasses(this.classes);
    picture.setScales(this.scale);
    picture.setValues(deviation(Float32Array.from(angles), this.regular));
    const K = this.classes.order.length;
    const angleOf = ({ row, column }) => `classes ${row} and ${column}: ${number(angles[row * K + column], 1)}°`;
    const inWords = (hit) => (isPair(hit) ? angleOf(hit) : hit?.kind === "block" ? hit.text : "");
    return { picture, read: (hit) => (readout.textContent = inWords(hit)) };
  }

  get pictures() {
    return this.maps.map(({ picture }) => picture);
  }

  /** What is pointed at in one map, in every map. */
  point(hit, from) {
    for (const { picture, read } of this.maps) {
      if (picture !== from) picture.highlight(hit?.kind === "cell" ? hit : null);
      read(hit);
    }
  }
}

function isPair(hit) {
  return hit?.kind === "cell" && hit.row !== hit.column;
}

const mount = picturing(".bcl-predicted", Predicted);
export { mount as default };
