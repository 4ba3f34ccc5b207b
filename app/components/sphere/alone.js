// The sphere lab on a page of its own, which needs no server once it is loaded.

import { TwoSpheres } from "./sphere.js";

const told = JSON.parse(document.getElementById("told").textContent);
const sphere = new TwoSpheres(document.querySelector(".bcl-sphere"), told);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const picture of sphere.pictures) picture.retheme();
});
