// Predicted optima: how far each two class means are from the regular simplex, a heat map a loss.

import { picturing } from "../mounting.js";
import { heatMapClasses } from "../stage/core/classes.js";
import { h, number } from "../stage/core/dom.js";
import { deviation, groupsOf, simplexAngle } from "../stage/core/geometry.js";
import { deviationScale } from "../stage/plots/deviation.js";
import { HeatMap } from "../stage/plots/heatmap.js";

const KEY =
  "Orange: closer than in the regular simplex; blue: farther apart. A corner marks what lies beyond ±45°. Point at " +
  "a pair, or go there by the arrow keys, for its angle.";
const GROUPED = " Click a block to see its classes.";

class Predicted {
  /** @param {{counts: number[], stops: [number, string][], maps: {title: string, angles: number[]}[]}} told by Python */
  constructor(host, { counts, stops, maps }) {
    this.classes = heatMapClasses({ names: counts.map((_, k) => String(k)), counts, groups: groupsOf(counts) });
    this.scale = deviationScale(stops, `${number(simplexAngle(counts.length), 1)}°`);
    const grid = h("div", { class: "grid" });
    const key = h("p", { class: "key" }, KEY + (this.classes.groups.length ? GROUPED : ""));
    host.replaceChildren(grid, key); // at once: the maps read the page's colours
    this.maps = maps.map((told) => new OneMap(grid, told, counts.length, this));
  }

  /** The pair under the pointer, in every map. */
  point(hit, from) {
    for (const map of this.maps) if (map !== from) map.picture.highlight(hit?.kind === "cell" ? hit : null);
    for (const map of this.maps) map.read(hit);
  }

  open(blocks) {
    for (const { picture } of this.maps) picture.setOpen(blocks);
  }

  retheme() {
    for (const { picture } of this.maps) picture.retheme();
  }

  remove() {
    for (const { picture } of this.maps) picture.destroy();
  }
}

class OneMap {
  constructor(grid, { title, angles }, K, all) {
    Object.assign(this, { K, angles: Float32Array.from(angles) });
    const host = h("div", { class: "map" });
    this.readout = h("p", { class: "readout" });
    grid.append(h("section", {}, h("h3", {}, title), host, this.readout));
    this.picture = new HeatMap(host, {
      label: `Angles of the predicted optimum, ${title}`,
      onHover: (hit) => all.point(hit, this),
      onOpen: (open) => all.open(open),
    });
    this.picture.setClasses(all.classes);
    this.picture.setScales(all.scale);
    this.picture.setValues(deviation(this.angles, simplexAngle(K)));
  }

  read(hit) {
    const isPair = hit?.kind === "cell" && hit.row !== hit.column;
    if (isPair) {
      const angle = this.angles[hit.row * this.K + hit.column];
      this.readout.textContent = `classes ${hit.row} and ${hit.column}: ${number(angle, 1)}°`;
    } else this.readout.textContent = hit?.kind === "block" ? hit.text : "";
  }
}

const mount = picturing(".bcl-predicted", Predicted);
export { mount as default };
