// Numbers of a lesson as bars beside each other; those that are asked for come with the answer.

import { h } from "../../stage/core/dom.js";
import { tell } from "../../stage/core/glossary.js";
import { bars } from "../../start/counts.js";
import { amount, marked } from "../words.js";

export class Shares {
  pictures = [];

  constructor(host, { rows, known = rows.length, most }, { document: { groups }, numbers, text, glossary, isRevealed }) {
    const amounts = rows.map((name) => amount(numbers[name]));
    const list = bars({ classes: { names: text.labels, counts: amounts } }, [...rows.keys()], most ?? Math.max(...amounts), groups);
    list.classList.add("shares");
    rows.forEach((name, i) => tell(list.children[i].querySelector(".count"), marked(`{${name}}`, numbers), glossary));
    this.hidden = [...list.children].slice(known);
    for (const item of this.hidden) item.classList.toggle("asked", !isRevealed);
    host.append(h("div", { class: "bcl-start" }, list));
  }

  reveal() {
    for (const item of this.hidden) item.classList.remove("asked");
  }
}
