// Saving: a menu at the scrubber for the whole page and the runs' arrays, and one a lens for its picture and numbers.

import { download, h, popup } from "../core/dom.js";
import { savedPage } from "./page.js";
import { pictureOf, pngOf } from "./picture.js";
import { fileName } from "./words.js";
import { csv } from "../core/select.js";

const SAID = 4000; // milliseconds that what went wrong is read in

/** Add the menus. @param {Object} stage the stage, whose lenses and scrubber have just been made */
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
  if (!stage.told.saved) stage.bar.copy.before(menu("Save", "Save", [page, ...arrays])); // a saved page has no server
  for (const lens of stage.lenses) addTo(stage, lens, labels);
}

function addTo(stage, lens, labels) {
  const item = (text, ending, make) => ({
    text,
    name: () => fileName([lens.key, ...labels, "epoch", stage.at.epoch], ending),
    make: () => (stage.send({ type: "pause" }), make()), // between two epochs there is nothing to save
  });
  const svg = async () => new Blob([(await pictureOf(stage, lens)).svg], { type: "image/svg+xml" });
  lens.foot = menu("Save", `Save ${lens.title}`, [
    item("Picture (PNG)", "png", async () => pngOf(await pictureOf(stage, lens))),
    item("Picture (SVG)", "svg", svg),
    item("Numbers (CSV)", "csv", () => csv(lens.rows())),
  ]);
}

/** All arrays of a run at the epoch that is shown, and which samples they are of. */
async function arraysOf(stage, run) {
  stage.send({ type: "pause" });
  const { epoch, message } = stage.look(run);
  if (epoch === null) throw new Error(message);
  return new Blob([await stage.store.fetchBytes(`runs/${run.told.id}/arrays/${run.rev}/${epoch}.npz`)]);
}

/** A button that opens a menu of files; the browser closes it, and keeps the focus. */
function menu(text, label, items) {
  const list = h("div", { class: "saving", popover: true, role: "group", "aria-label": label });
  const button = (item) =>
    h("button", { type: "button", onclick: (event) => save(event.currentTarget, item) }, item.text);
  list.append(...items.map(button));
  const opener = h("button", { type: "button", class: "text", "aria-label": label, title: label }, text);
  popup(opener, list);
  return h("div", { class: "save" }, opener, list);
}

/** Make a file and hand it over; the button says how far that is, and what went wrong. */
async function save(button, { text, name, make }) {
  const say = (what) => (button.textContent = what);
  button.disabled = true;
  try {
    download(await make(say), name());
    say(text);
    button.closest("[popover]").hidePopover();
  } catch (error) {
    say(error.message);
    setTimeout(() => say(text), SAID);
  }
  button.disabled = false;
}
