// A field in place of what it changes: what stands in it when it is pressed is what is done.

import { button, h } from "../stage/core/dom.js";

const LONGEST_NAME = 80;

/**
 * @param {{label: string, value: string, press: string, known: ?string[]}} told `known` are offered while one types
 * @param {(value: string) => Promise<void>} done rejects with a sentence, which is shown
 * @param {() => void} leave when it was done, or is not to be
 */
export function field({ label, value, press: word, known = [] }, done, leave) {
  const list = h("datalist", { id: `bcl-known-${serial++}` }, known.map((name) => h("option", { value: name })));
  const input = h("input", {
    ...{ type: "text", maxlength: LONGEST_NAME, dir: "auto", "aria-label": label, autocomplete: "off" },
    ...{ list: known.length > 0 && list.id },
  });
  input.value = value;
  const fault = h("span", { class: "fault", role: "alert" });
  const press = h("button", { class: "primary" }, word);
  const submit = async (event) => {
    event.preventDefault();
    press.disabled = true;
    fault.textContent = "";
    try {
      await done(input.value);
      leave();
    } catch (error) {
      fault.textContent = error.message;
      press.disabled = false;
      input.focus();
    }
  };
  const escape = (event) => event.key === "Escape" && leave();
    const root = h("form", { class: "field", onsubmit: submit, onkeydown: escape }, input, list, press, button("Cancel", leave), fault);
  return { root, focus: () => input.select() };
}

let serial = 0;
