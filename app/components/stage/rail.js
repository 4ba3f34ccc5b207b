// Which lens the runs are looked through, each with its key; and on a small screen, which run.

import { ALL, LENSES } from "./lenses/lenses.js";
import { button, h, swatch } from "./core/dom.js";

const TABS = [...LENSES.map(({ key, title }, i) => [key, title, String(i + 1)]), [ALL, "All", "0"]];

/** A row of tabs. Arrow keys belong to the epochs, so each tab is a button of its own. */
export class Rail {
  constructor(stage) {
    this.stage = stage;
    const tabs = TABS.map(([key, title, sign]) => {
      const named = { name: `lens-${key}`, "aria-keyshortcuts": sign };
      return button([h("kbd", { "aria-hidden": "true" }, sign), title], () => stage.set({ lens: key }), named);
    });
    this.root = h("div", { class: "rail", role: "group", "aria-label": "Lens" }, tabs);
    stage.bind(() => {
      const pressed = tabs[TABS.findIndex(([key]) => key === stage.through)];
      for (const tab of tabs) tab.ariaPressed = String(tab === pressed);
      // Bring it into the row's visible part, without moving the page.
      const { scrollWidth, clientWidth } = this.root;
      const centred = pressed.offsetLeft - (clientWidth - pressed.offsetWidth) / 2;
      if (scrollWidth > clientWidth) this.root.scrollLeft = centred;
    });
  }

  /** Do what a key says. @returns {boolean} whether it says anything here */
  press(sign) {
    const found = TABS.find(([, , key]) => key === sign);
    if (found) this.stage.set({ lens: found[0] });
    return Boolean(found);
  }
}

/** One run at a time, where there is no room for several side by side. */
export function runSwitch(stage) {
  const { runs } = stage;
  const buttons = runs.map(({ told }) => {
    const choose = () => ((stage.alone = told.id), follow());
    return button([swatch(told), ` ${told.label}`], choose, { name: `run-${told.id}` });
  });
  const follow = () => {
    const at = Math.max(0, runs.findIndex(({ told }) => told.id === stage.alone));
    buttons.forEach((item, i) => (item.ariaPressed = String(i === at)));
    stage.host.dataset.alone = String(at + 1); // of columns, the style sheet shows this one
  };
  follow();
  return h("div", { class: "runs", role: "group", "aria-label": "Run", hidden: runs.length < 2 }, buttons);
}
