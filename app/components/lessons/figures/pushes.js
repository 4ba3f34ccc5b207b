// Who pushes an image of one class, at equal similarities, as before training: each other class's share, by loss.

import { h, number, swatch } from "../../stage/core/dom.js";
import { countEffect, groupsOf, sum } from "../../stage/core/geometry.js";
import { filled } from "../../stage/core/templates.js";
import { bars } from "../../start/counts.js";
import { switchesOf } from "../../sphere/settings.js";

export class Pushes {
  pictures = [];

  constructor(host, figure, { document: { sphere, groups }, words, isRevealed }) {
    const { counts, anchor, losses, known = losses.length } = figure;
    const { tail } = groupsOf(counts);
    const others = [...counts.keys()].filter((k) => k !== anchor);
    const shares = losses.map((loss) => sharesOf(counts, anchor, others, switchesOf(loss)));
    const most = Math.max(...shares.flat());
    this.parts = losses.map((loss, i) => {
      const names = others.map((k) => figure.names?.[k] ?? String(k));
      const rare = others.flatMap((k, place) => (tail.includes(k) ? [place] : []));
      const list = bars({ classes: { names, counts: shares[i] } }, rare, most, groups, (share) => `${number(share, share < 10 ? 1 : 0)} %`);
      const element = h("section", { hidden: !isRevealed && i >= known }, h("h3", {}, swatch(sphere.losses[loss]), words.losses[loss]), list);
      return element;
    });
    const heading = h("p", { class: "lead" }, filled(words.pushes_of, { name: figure.names?.[anchor] ?? anchor, count: counts[anchor] }));
    host.append(heading, h("div", { class: "bcl-start pushes" }, this.parts));
  }

  reveal() {
    for (const part of this.parts) part.hidden = false;
  }
}

/** Shares of the other classes in what pushes an anchor, in per cent. */
function sharesOf(counts, anchor, others, { averaging, complement, anchors }) {
  const { mass } = countEffect(counts, { averaging, complement, anchors });
  const own = others.map((k) => mass[anchor * counts.length + k]);
  const total = sum(own);
  return own.map((share) => (100 * share) / total);
}
