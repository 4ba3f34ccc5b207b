// Terms that are explained where they stand, on hover, focus and tap: a text with marked terms becomes elements.

import { h, placeBy } from "./dom.js";

const MARKED = /\[([^\][|]+)(?:\|([^\][|]+))?\]/g;

let count = 0;
const told = new WeakMap(); // element -> the text that it says

/**
 * Take a text apart: "[tail]" is a term, "[rarest|tail]" the same by another name.
 *
 * @returns {{text: string, term: ?string}[]} `term` is null for what stands between terms
 */
export function parts(text) {
  const pieces = text.split(MARKED); // in threes: what stands between terms, a term as it is shown, its name if another
  const found = pieces.map((piece, i) => ({ text: piece, term: i % 3 === 1 ? (pieces[i + 1] ?? piece) : null }));
  return found.filter((part, i) => part.text && i % 3 !== 2);
}

/** A term and, hidden until it is asked for, what it means. */
function explain(shown, meaning) {
  const tip = h("span", { class: "meaning", role: "tooltip", popover: "manual", id: `bcl-term-${count++}` }, meaning);
  // A button would stand in its line as a block, and break from the comma that follows.
  const term = h("span", { class: "term", role: "button", tabindex: 0, "aria-describedby": tip.id }, shown);
  const isOpen = () => tip.matches(":popover-open");
  let pinned = false;
  let listening;
  const close = () => {
    pinned = false;
    listening?.abort();
    if (isOpen()) tip.hidePopover();
  };
  const open = () => {
    if (isOpen() || !term.isConnected) return;
    tip.showPopover();
    placeBy(tip, term);
    listening = new AbortController();
    const how = { capture: true, signal: listening.signal };
    addEventListener("scroll", close, how);
    addEventListener("pointerdown", ({ target }) => term.contains(target) || tip.contains(target) || close(), how);
    addEventListener("keydown", (event) => event.key === "Escape" && (close(), event.stopPropagation()), how);
  };
  term.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && open());
  term.addEventListener("pointerleave", ({ relatedTarget }) => pinned || tip.contains(relatedTarget) || close());
  tip.addEventListener("pointerleave", () => pinned || close());
  term.addEventListener("focus", () => term.matches(":focus-visible") && open());
  term.addEventListener("blur", close);
  term.addEventListener("click", () => (pinned ? close() : (open(), (pinned = true))));
  term.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation(); // a space plays, elsewhere
    term.click();
  });
  return [term, tip];
}

/** Have an element say a text with its terms; one that says it already is left alone, with what is open in it. */
export function tell(element, text, glossary = {}) {
  if (told.get(element) === text) return;
  told.set(element, text);
  const explained = ({ text: shown, term }) => (term in glossary ? explain(shown, glossary[term]) : shown);
  element.replaceChildren(...parts(text).flatMap(explained));
}
