// How hard each two classes push each other, at equal similarities, as before training: a square for each pair.

import { h, swatch } from "../../stage/core/dom.js";
import { tell } from "../../stage/core/glossary.js";
import { countEffect, groupsOf } from "../../stage/core/geometry.js";
import { Sheet } from "../../stage/plots/sheet.js";
import { switchesOf } from "../../sphere/settings.js";
import { marked } from "../words.js";

const LABEL = 18; // pixels
const FULL = 0.94; // of a cell, the side of the largest square
const LEAST = 1.5; // pixels, so that nothing is unseen

export class Pairs {
  constructor(host, { counts, losses, known = losses.length }, { document: { sphere, groups }, numbers, text, words, glossary, isRevealed }) {
    const { tail } = groupsOf(counts);
    const pushes = losses.map(({ loss }) => {
      const { averaging, complement, anchors } = switchesOf(loss);
      return countEffect(counts, { averaging, complement, anchors }).push;
    });
    const most = Math.max(...pushes.flatMap((push) => [...push].filter(Number.isFinite)));
    this.parts = losses.map(({ loss, number }, i) => {
      const canvas = h("canvas", { class: "pairs", role: "img", "aria-label": words.pairs_of });
      const share = h("b");
      tell(share, marked(`{${number}}`, numbers), glossary);
      const heading = text.labels ? [text.labels[i]] : [swatch(sphere.losses[loss]), words.losses[loss]];
      const element = h("section", {}, h("h3", {}, heading), canvas, h("p", { class: "share" }, share, ` ${words.among_rare}`));
      element.classList.toggle("asked", !isRevealed && i >= known);
      const sheet = new Sheet(canvas, (...given) => paint(...given, pushes[i], { tail, most, groups }));
      return { element, sheet };
    });
    host.append(h("div", { class: "triangles", style: `--tail: ${groups.tail}` }, this.parts.map(({ element }) => element)));
  }

  reveal() {
    for (const { element } of this.parts) element.classList.remove("asked");
  }

  get pictures() {
    return this.parts.map(({ sheet }) => sheet);
  }
}

/** @param {Float32Array} push (K, K) shares of all push */
function paint(context, width, height, theme, push, { tail, most, groups }) {
  const K = Math.sqrt(push.length);
  const cell = Math.min(width - LABEL, height - LABEL) / (K - 1);
  const left = (width - LABEL - cell * (K - 1)) / 2 + LABEL;
  Object.assign(context, { font: `12px ${theme.font}`, textAlign: "center", textBaseline: "middle" });
  for (let row = 1; row < K; row++) {
    const y = (row - 0.5) * cell;
    for (let column = 0; column < row; column++) {
      const x = left + (column + 0.5) * cell;
      const side = Math.max(LEAST, FULL * cell * Math.sqrt(push[row * K + column] / most));
      context.fillStyle = groups[tail.includes(row) && tail.includes(column) ? "tail" : "medium"];
      context.fillRect(x - side / 2, y - side / 2, side, side);
    }
    context.fillStyle = theme.quiet;
    context.fillText(String(row), left - LABEL / 2, y);
    context.fillText(String(row - 1), left + (row - 0.5) * cell, (K - 1) * cell + LABEL / 2);
  }
}
