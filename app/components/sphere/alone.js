// The sphere lab on a page of its own, which needs no server once it is loaded; its address holds what is set.

import { languageOf } from "../lessons/address.js";
import { h } from "../stage/core/dom.js";
import { filled } from "../stage/core/templates.js";
import { OPENS, read, write } from "./address.js";
import { TwoSpheres } from "./sphere.js";

const told = JSON.parse(document.getElementById("told").textContent);
const host = document.querySelector(".bcl-sphere");
const { lang, wrong: elsewhere } = languageOf(location.search, told.languages);
const words = told.languages[lang];
const { shown, wrong } = read(location.search, words);
const there = Object.keys(told.languages).join(", ");
const unread = [...elsewhere.map(({ given }) => filled(words.wrong.lang, { given, there })), ...wrong];
document.documentElement.lang = lang;
const [heading, introduction] = [h("h1"), h("p", {}, words.sphere.introduction)];
host.before(heading, introduction);
if (unread.length) host.before(h("p", { role: "alert" }, unread.join(words.joining.sentences)));

/** Title and introduction are of two losses and the counts that the page opens with; other settings have neither. */
const introduce = ({ counts, losses }) => {
  const fits = losses.length === OPENS.losses.length && String(counts) === String(OPENS.counts);
  heading.textContent = fits ? words.sphere.title : words.sphere.the_sphere;
  introduction.hidden = !fits;
};
introduce(shown);
const keep = (now) => {
  introduce(now);
  const search = write(now, lang);
  history.replaceState(null, "", search ? `?${search}` : location.pathname);
};
const sphere = new TwoSpheres(host, { ...told, words }, shown, keep);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const picture of sphere.pictures) picture.retheme();
});
