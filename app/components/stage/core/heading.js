// What a run's column is headed by: its name, which tells the whole recipe on demand, and where it stands.

import { h, popup, swatch } from "./dom.js";

/** @returns {{root: HTMLElement, note: HTMLElement}} `note` is filled by whoever made the column */
export function heading(run) {
  const { told, about } = run;
  const note = h("span", { class: "note" });
  const name = h("button", { type: "button", class: "name", title: `Recipe of ${told.label}` }, told.label);
  const facts = h("div", { class: "facts", popover: true }, about ? describe(about) : "Nothing is known of it yet.");
  popup(name, facts);
  return { note, root: h("header", {}, swatch(told), name, note, facts) };
}

function describe({ name, group, recipe, provenance }) {
  const lines = [["Run", name], ["Group", group], ["Recipe", recipe], ["Made with", versionsOf({ provenance })]];
  return h("dl", {}, lines.filter(([, text]) => text).flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)]));
}

/** "python 3.11.7 · torch 2.15.0 …", as recorded when the run was made. */
export function versionsOf({ provenance = {} }) {
  return Object.entries(provenance).map(([what, version]) => `${what} ${version}`).join(" · ");
}
