// Which lens the runs are looked through, each with its key; and on a small screen, which run.

import { ALL, LENSES } from "./lenses/lenses.js";
import { h, swatch } from "./core/dom.js";

/** A row of tabs. Arrow keys belong to the epochs, so each tab is a button of its own. */
export class Rail {
  constructor(stage) {
    this.stage = stage;
    const lenses = LENSES.map(({ key, title }, i) => [key, title, String(i + 1)]);
    this.items = [...lenses, [ALL, "All", "0"]];
    const tabs = this.items.map(([key, title, sign]) => this.tab(key, title, sign));
    this.root = h("div", { class: "rail", role: "group", "aria-label": "Lens" }, tabs);
    stage.bind(() => {
      const { through } = stage;
      tabs.forEach((tab, i) => (tab.ariaPressed = String(this.items[i][0] === through)));
      const pressed = tabs[this.items.findIndex(([key]) => key === through)];
      if (this.root.scrollWidth > this.root.clientWidth) this.reveal(pressed);
    });
  }

  tab(key, title, sign) {
    const choose = () => this.stage.set({ lens: key });
    const attributes = { type: "button", name: `lens-${key}`, "aria-keyshortcuts": sign, onclick: choose };
    return h("button", attributes, h("kbd", { "aria-hidden": "true" }, sign), title);
  }

  /** Bring a tab into the row's visible part, without moving the page. */
  reveal({ offsetLeft, offsetWidth }) {
    this.root.scrollLeft = offsetLeft - (this.root.clientWidth - offsetWidth) / 2;
  }

  /** Do what a key says. @returns {boolean} whether it says anything here */
  press(sign) {
    const found = this.items.find(([, , key]) => key === sign);
    if (found) this.stage.set({ lens: found[0] });
    return Boolean(found);
  }
}

/** One run at a time, where there is no room for several side by side. */
export class RunSwitch {
  constructor(stage) {
    const { runs } = stage;
    const buttons = runs.map((run) => {
      const choose = () => ((stage.alone = run.told.id), follow());
      const named = { type: "button", name: `run-${run.told.id}` };
      return h("button", { ...named, onclick: choose }, swatch(run.told), ` ${run.told.label}`);
    });
    const follow = () => {
      const at = Math.max(0, runs.findIndex(({ told }) => told.id === stage.alone));
      buttons.forEach((button, i) => (button.ariaPressed = String(i === at)));
      stage.host.dataset.alone = String(at + 1); // of columns, the style sheet shows this one
    };
    this.root = h("div", { class: "runs", role: "group", "aria-label": "Run", hidden: runs.length < 2 }, buttons);
    follow();
  }
}
