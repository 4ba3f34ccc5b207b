// What a class answered.

import { h } from "../stage/core/dom.js";

/** A bar for each choice of a question that is revealed. @param {?number} chosen the reader's own choice */
export function histogram({ choices, counts }, chosen = null) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const rows = choices.map((choice, i) => {
    const share = total ? counts[i] / total : 0;
    const bar = h("span", { class: "amount", "aria-hidden": "true" });
    bar.style.setProperty("--share", share);
    const words = `${counts[i]} · ${Math.round(100 * share)} %`;
    const own = chosen === i ? [h("span", { class: "own" }, "your answer")] : [];
    return h("li", {}, h("span", {}, choice, own), bar, h("b", {}, words));
  });
  return h("ul", { class: "histogram" }, rows);
}
