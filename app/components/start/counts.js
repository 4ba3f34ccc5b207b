// Training images of each class as bars; of the rarest classes every image itself.

import { h } from "../stage/core/dom.js";

const ENLARGED = 3; // a scan is eight pixels wide

/** @param {Run} run @param {number[]} tail classes @param {number} most images that the longest bar stands for */
export function bars({ classes: { names, counts } }, tail, most, colours) {
  const rows = names.map((name, k) => {
    const width = `width: ${(55 * counts[k]) / most}%; background: ${colours[tail.includes(k) ? "tail" : "head"]}`;
    const bar = h("span", { class: "bar", style: width });
    const count = h("span", { class: "count" }, String(counts[k]));
    return h("li", {}, h("span", { class: "label" }, name), bar, count, h("span", { class: "scans" }));
  });
  return h("ul", { class: "bars" }, rows);
}

/** Put the training images of some classes behind their bars. @param {Run} run whose samples are here */
export async function addScans(list, run, classes, store) {
  const url = await store.sprite(run);
  if (!url) return;
  const image = Object.assign(new Image(), { src: url });
  await image.decode();
  const { labels, train } = run.samples;
  const columns = Math.ceil(Math.sqrt(labels.length));
  const size = (ENLARGED * image.naturalWidth) / columns;
  for (const k of classes) {
    const own = [...train].filter((row) => labels[row] === k);
    const scans = own.map((row) => scan(url, { size, columns, row }, run.classes.names[k]));
    list.children[k].querySelector(".scans").replaceChildren(...scans);
  }
}

function scan(url, { size, columns, row }, name) {
  const [x, y] = [row % columns, Math.floor(row / columns)];
  const style =
    `width: ${size}px; height: ${size}px; background-image: url("${url}"); ` +
    `background-size: ${columns * size}px auto; background-position: -${x * size}px -${y * size}px`;
  return h("span", { class: "scan", role: "img", "aria-label": `a scan of digit ${name}`, style });
}
