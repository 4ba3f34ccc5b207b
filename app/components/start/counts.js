// Training images of each class as bars; of the rarest classes every image itself.

import { thumb } from "../stage/core/card.js";
import { h } from "../stage/core/dom.js";

const SIZE = 24; // pixels of a scan, which is eight wide

/**
 * @param {Run} run @param {number[]} tail classes @param {number} most images that the longest bar stands for
 * @param {(count: number) => string} said what stands beside it
 */
export function bars({ classes: { names, counts } }, tail, most, colours, said = String) {
  const rows = names.map((name, k) => {
    const style = `width: ${(55 * counts[k]) / most}%; background: ${colours[tail.includes(k) ? "tail" : "medium"]}`;
    const parts = [["label", name], ["bar", ""], ["count", said(counts[k])], ["scans", ""]];
    return h("li", {}, parts.map(([part, text]) => h("span", { class: part, style: part === "bar" && style }, text)));
  });
  return h("ul", {}, rows);
}

/** Put the training images of some classes behind their bars. @param {Run} run whose samples are here */
export function addScans(list, run, classes, store) {
  const { labels, train } = run.samples;
  for (const k of classes) {
    const ariaLabel = `a scan of digit ${run.classes.names[k]}`;
    const own = [...train].filter((row) => labels[row] === k);
    const scans = own.map((row) => Object.assign(thumb({ store }, run, row, SIZE), { ariaLabel }));
    list.children[k].lastChild.replaceChildren(...scans);
  }
}
