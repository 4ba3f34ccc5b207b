// The sphere lab on a page of its own, which needs no server once it is loaded; its address holds what is set.

import { languageOf } from "../lessons/address.js";
import { h } from "../stage/core/dom.js";
import { filled } from "../stage/core/templates.js";
import { read, write } from "./address.js";
import { TwoSpheres } from "./sphere.js";

const told = JSON.parse(document.getElementById("told").textContent);
const host = document.querySelector(".bcl-sphere");
const { lang, wrong: elsewhere } = languageOf(location.search, told.languages);
const words = told.languages[lang];
const { shown, wrong } = read(location.search, words);
const there = Object.keys(told.languages).join(", ");
const unread = [...elsewhere.map(({ given }) => filled(words.wrong.lang, { given, there })), ...wrong];
document.documentElement.lang = lang;
host.before(h("h1", {}, words.sphere.title), h("p", {}, words.sphere.introduction));
if (unread.length) host.before(h("p", { role: "alert" }, unread.join(words.joining.sentences)));
const keep = (now) => {
  const search = write(now, lang);
  history.replaceState(null, "", search ? `?${search}` : location.pathname);
};
const sphere = new TwoSpheres(host, { ...told, words }, shown, keep);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const picture of sphere.pictures) picture.retheme();
});
