// Where a step leads: to what the app computes or shows of the same settings. Without a server there is no app.

import { h } from "../stage/core/dom.js";
import { OPENS, write } from "../sphere/address.js";

/** The address of Predict with these settings. @param {{counts: number[], tau: number, batch: ?number}} of one batch of everything where null */
export function predictAddress({ counts, tau, batch }) {
  const asked = new URLSearchParams({ counts_from: "Paste them", counts: counts.join(" "), temperature: tau });
  if (batch === null) asked.set("everything", "true");
  else asked.set("batch", batch);
  return `predict?${asked}`;
}

/** @returns {HTMLElement[]} links that open beside the lesson */
export function linksOf({ figure, predict, lab, page }, { app, prefix, words, lang }) {
  const found = [];
  const link = (href, text) => found.push(h("a", { href, target: "_blank", rel: "noopener" }, text));
  if (figure.kind === "sphere") {
    const { counts, temperature, batch, seed, losses } = { ...OPENS, ...figure };
    const search = write({ counts, temperature, batch, seed, losses }, lang);
    link(`${prefix === null ? "sphere.html" : `${prefix}/sphere`}${search && `?${search}`}`, words.to_sphere);
  }
  if (lab) link(`${app === null ? "lab.html" : `${app}lab`}?runs=${lab.join(".")}`, words.to_lab);
  if (app === null) return found;
  if (predict) link(`${app}${predictAddress(predict)}`, words.to_predict);
  if (page) link(`${app}${page.address}`, words[page.text]);
  return found;
}
