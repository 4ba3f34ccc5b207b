// Every class of many as a column of a canvas, the most frequent first; pointer and arrow keys read them.

import { h } from "../stage/core/dom.js";
import { groupsOf, orderOf } from "../stage/core/geometry.js";
import { whole } from "../stage/core/words.js";

const HEIGHT = 110; // CSS pixels
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

/** @param {(count: number) => string} colourOf */
export function ranks(names, counts, colourOf) {
  const order = orderOf(groupsOf(counts));
  const last = order.length - 1;
  const most = counts[order[0]];
  const canvas = h("canvas", {
    ...{ tabindex: "0", role: "slider", "aria-label": "Classes by their number of training images" },
    ...{ "aria-valuemin": "1", "aria-valuemax": String(last + 1) },
  });
  const told = h("output", {});
  let at = 0;

  const draw = () => {
    const width = canvas.clientWidth;
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(HEIGHT * ratio) });
    const pen = canvas.getContext("2d");
    // A column of pixels is drawn once, whatever the number of classes that fall into it: its most frequent.
    for (let x = 0; x < canvas.width; x++) {
      const count = counts[order[Math.min(last, Math.floor((x * (last + 1)) / canvas.width))]];
      const height = Math.max(ratio, (canvas.height * count) / most);
      pen.fillStyle = colourOf(count);
      pen.fillRect(x, canvas.height - height, 1, height);
    }
    pen.fillStyle = getComputedStyle(canvas).color;
    pen.fillRect(Math.round(((at + 0.5) * canvas.width) / (last + 1)), 0, ratio, canvas.height);
  };
  const read = (rank) => {
    at = Math.min(last, Math.max(0, rank));
    const words = `Rank ${whole(at + 1)} of ${whole(last + 1)}: ${names[order[at]]}, ${whole(counts[order[at]])} images`;
    told.textContent = words;
    canvas.setAttribute("aria-valuenow", String(at + 1));
    canvas.setAttribute("aria-valuetext", words);
    draw();
  };
  canvas.addEventListener("pointermove", (event) => {
    read(Math.floor((event.offsetX * (last + 1)) / canvas.clientWidth));
  });
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    read(at + STEPS[event.key]);
  });
  new ResizeObserver(draw).observe(canvas);
  read(0);
  return h("div", { class: "ranks" }, canvas, told);
}
