// The sphere lab on a page of its own, which needs no server once it is loaded; its address holds what is set.

import { h } from "../stage/core/dom.js";
import { read, write } from "./address.js";
import { TwoSpheres } from "./sphere.js";

const told = JSON.parse(document.getElementById("told").textContent);
const host = document.querySelector(".bcl-sphere");
const { shown, wrong } = read(location.search);
if (wrong.length) host.before(h("p", { role: "alert" }, wrong.join(" ")));
const keep = (now) => {
  const search = write(now);
  history.replaceState(null, "", search ? `?${search}` : location.pathname);
};
const sphere = new TwoSpheres(host, told, shown, keep);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const picture of sphere.pictures) picture.retheme();
});
