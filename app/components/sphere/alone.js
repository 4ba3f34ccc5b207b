// The sphere lab on a page of its own, which needs no server once it is loaded; its address holds what is set.

import { h } from "../stage/core/dom.js";
import { OPENS, read, write } from "./address.js";
import { TwoSpheres } from "./sphere.js";

const told = JSON.parse(document.getElementById("told").textContent);
const host = document.querySelector(".bcl-sphere");
const { shown, wrong } = read(location.search);
if (wrong.length) host.before(h("p", { role: "alert" }, wrong.join(" ")));
const [heading, introduction] = ["h1", "h1 + p"].map((part) => document.querySelector(part));
const title = heading.textContent;

/** Title and introduction are of two losses and the counts that the page opens with; other settings have neither. */
const introduce = ({ counts, losses }) => {
  const fits = losses.length === OPENS.losses.length && String(counts) === String(OPENS.counts);
  heading.textContent = fits ? title : "The sphere";
  introduction.hidden = !fits;
};
introduce(shown);
const keep = (now) => {
  introduce(now);
  const search = write(now);
  history.replaceState(null, "", search ? `?${search}` : location.pathname);
};
const sphere = new TwoSpheres(host, told, shown, keep);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const picture of sphere.pictures) picture.retheme();
});
