// The head of the rows: names of what can be sorted by, each a button.

import { button, h } from "../stage/core/dom.js";
import { COLUMNS, isSorted, sortedBy, turned } from "./catalogue.js";

export class Headings {
  /** @param {(sort: string) => void} change what is to be sorted by from now on */
  constructor(change) {
    this.cells = Object.entries(COLUMNS).map(([column, { title }]) => {
      const press = button(title, () => change(turned(this.sort, column)));
      return { column, root: h("span", { role: "columnheader", class: column }, press) };
    });
    const row = h("div", { role: "row" }, this.cells.map(({ root }) => root));
    this.root = h("div", { class: "headings", role: "table", "aria-label": "Sort the rows by" }, row);
  }

  /** @param {Asked} view what is listed, and how */
  mark(view) {
    this.sort = view.sort;
    const { column: by, isFalling } = sortedBy(view.sort);
    for (const { column, root } of this.cells) {
      const is = isSorted(view) && column === by;
      root.ariaSort = is ? (isFalling ? "descending" : "ascending") : "none";
    }
  }
}
