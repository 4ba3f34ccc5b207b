// Saving: a menu at the scrubber for the whole page and the runs' arrays, and one a lens for its picture and numbers.

import { button, download, h, popup } from "../core/dom.js";
import { savedPage } from "./page.js";
import { pictureOf, pngOf } from "./picture.js";
import { fileName } from "./words.js";
import { toCsv } from "../core/select.js";

const SAID = 4000; // milliseconds that what went wrong is read in

export function offerSaving(stage) {
  const labels = stage.told.runs.map(({ label }) => label);
  const page = {
    text: "Save as web page",
    name: () => fileName(["stage", ...labels], "html"),
    make: (say) => savedPage(stage, (share) => say(`${Math.round(100 * share)} %`)),
  };
  const arrays = stage.runs.map((run) => ({
    text: `Arrays of ${run.told.label} (NPZ)`,
    name: () => fileName([run.told.label, "epoch", stage.look(run).epoch], "npz"),
    make: () => arraysOf(stage, run),
  }));
  if (!stage.told.saved) stage.bar.copy.before(menu("Save", [page, ...arrays])); // a saved page has no server
  for (const lens of stage.lenses) lens.foot = filesOf(stage, lens, labels);
}

function filesOf(stage, lens, labels) {
  const item = (text, ending, make) => ({
    text,
    name: () => fileName([lens.key, ...labels, "epoch", stage.at.epoch], ending),
    make: () => (stage.send({ type: "pause" }), make()), // between two epochs there is nothing to save
  });
  return menu(`Save ${lens.title}`, [
    item("Picture (PNG)", "png", async () => pngOf(await pictureOf(stage, lens))),
    item("Picture (SVG)", "svg", async () => (await pictureOf(stage, lens)).svg),
    item("Numbers (CSV)", "csv", () => toCsv(lens.rows())),
  ]);
}

async function arraysOf(stage, run) {
  stage.send({ type: "pause" });
  const { epoch, message } = stage.look(run);
  if (epoch === null) throw new Error(message);
  return stage.store.fetchBytes(`runs/${run.told.id}/arrays/${run.rev}/${epoch}.npz`);
}

/** A button that opens a menu of files; the browser closes it, and keeps the focus. */
function menu(label, items) {
  const list = h("div", { class: "saving", popover: true, role: "group", "aria-label": label });
  list.append(...items.map((item) => button(item.text, (event) => save(event.currentTarget, item))));
  const opener = button("Save", null, { class: "text", "aria-label": label, title: label });
  popup(opener, list);
  return h("div", { class: "save" }, opener, list);
}

/** Make a file and hand it over; the button says how far that is, and what went wrong. */
async function save(item, { text, name, make }) {
  const say = (what) => (item.textContent = what);
  item.disabled = true;
  try {
    download(await make(say), name());
    say(text);
    item.closest("[popover]").hidePopover();
  } catch (error) {
    say(error.message);
    setTimeout(() => say(text), SAID);
  }
  item.disabled = false;
}
