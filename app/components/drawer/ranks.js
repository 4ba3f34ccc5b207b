// Every class of many as a column of a canvas, the most frequent first; pointer and arrow keys read them.

import { h } from "../stage/core/dom.js";
import { groupsOf, orderOf } from "../stage/core/geometry.js";
import { whole } from "../stage/core/words.js";
import { Sheet } from "../stage/plots/sheet.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

/** @param {(k: number) => string} colourOf of a class */
export function ranks(names, counts, colourOf) {
  const order = orderOf(groupsOf(counts));
  const { length: K } = order;
  const told = h("output");
  const canvas = h("canvas", {
    ...{ tabindex: 0, role: "slider", "aria-label": "Classes by their number of training images" },
    ...{ "aria-valuemin": 1, "aria-valuemax": K },
    onpointermove: ({ offsetX }) => read(Math.floor((offsetX * K) / canvas.clientWidth)),
    onkeydown: (event) => event.key in STEPS && (event.preventDefault(), read(at + STEPS[event.key])),
  });
  let at = 0;

  const sheet = new Sheet(canvas, (pen, width, height, { text }) => {
    // A pixel is drawn once, whatever the number of classes that fall into it: its most frequent.
    for (let x = 0; x < width; x++) {
      const k = order[Math.floor((x * K) / width)];
      const length = Math.max(1, (height * counts[k]) / counts[order[0]]);
      pen.fillStyle = colourOf(k);
      pen.fillRect(x, height - length, 1, length);
    }
    pen.fillStyle = text;
    pen.fillRect(Math.round(((at + 0.5) * width) / K), 0, 1, height);
  });
  const read = (rank) => {
    at = Math.min(K - 1, Math.max(0, rank));
    const k = order[at];
    told.textContent = `Rank ${whole(at + 1)} of ${whole(K)}: ${names[k]}, ${whole(counts[k])} images`;
    Object.assign(canvas, { ariaValueNow: at + 1, ariaValueText: told.textContent });
    sheet.draw();
  };
  read(0);
  return h("div", { class: "ranks" }, canvas, told);
}
