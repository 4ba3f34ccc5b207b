// The lessons on a page of their own, which needs no server once it is loaded.

import { Lessons } from "./lessons.js";

const told = JSON.parse(document.getElementById("told").textContent);
const lessons = new Lessons(document.querySelector(".bcl-lessons"), told);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const picture of lessons.pictures) picture.retheme();
});
