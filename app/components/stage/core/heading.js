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
  const versions = Object.entries(provenance).map(([what, version]) => `${what} ${version}`).join(" · ");
  const lines = [["Run", name], ["Group", group], ["Recipe", recipe], ["Made with", versions]];
  return h("dl", {}, lines.filter(([, text]) => text).flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)]));
}
