// Training images of each class as bars; of the rarest classes every image itself.

import { h } from "./elements.js";

const ENLARGED = 4; // a scan is eight pixels wide

export function bars(name, classes, { most, scans, tail_colour: orange, quiet_colour: grey }) {
  const rows = classes.map(({ name: label, count, tail, images }) =>
    h(
      "li",
      {},
      h("span", { class: "label" }, label),
      h("span", { class: "bar", style: `width: ${(55 * count) / most}%; background: ${tail ? orange : grey}` }),
      h("span", { class: "count" }, String(count)),
      ...images.map((place) => scan(place, label, scans)),
    ),
  );
  return [h("h3", {}, `${name}: training images of each digit`), h("ul", { class: "bars" }, ...rows)];
}

function scan(place, label, { url, columns, pixels }) {
  const size = pixels * ENLARGED;
  const [x, y] = [place % columns, Math.floor(place / columns)];
  return h("span", {
    class: "scan",
    role: "img",
    "aria-label": `a scan of digit ${label}`,
    style:
      `width: ${size}px; height: ${size}px; background-image: url("${new URL(url, document.baseURI).href}"); ` +
      `background-size: ${columns * size}px auto; background-position: -${x * size}px -${y * size}px`,
  });
}
