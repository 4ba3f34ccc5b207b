// What can be done with the runs that are ticked.

import { button, h } from "../stage/core/dom.js";
import { plural } from "../stage/core/words.js";
import { isActive, labOf } from "./catalogue.js";
import { field } from "./field.js";

export class Bar {
  constructor(library) {
    this.library = library;
    this.count = h("b");
    this.lab = h("a", { class: "button" });
    const ids = () => [...library.chosen];
    const purge = () => library.askToPurge(ids(), (...told) => this.say(...told));
    const offered = (verb, text, act) => (library.may(verb) ? [button(text, act)] : []);
    this.usual = [
      this.lab,
      ...offered("export", "Export", () => library.save(ids(), (...told) => this.say(...told))),
      ...offered("group", "Group", () => this.regroup()),
      ...offered("delete", "Delete", () => this.delete(ids())),
    ];
    this.ofDeleted = [
      ...offered("restore", "Restore", () => this.attempt(() => library.restore(ids()))),
      ...offered("purge", "Delete for good", purge),
    ];
    this.clear = button("Clear", () => library.clear());
    this.said = h("div", { class: "said", role: "status" });
    this.field = h("div", {});
    const buttons = h("div", { class: "buttons" }, this.count, this.usual, this.ofDeleted, this.clear);
    this.root = h("div", { class: "bar", role: "group", "aria-label": "Chosen runs" }, buttons, this.field, this.said);
    this.update();
  }

  get runs() {
    return this.library.runs.filter(({ id }) => this.library.chosen.has(id));
  }

  update() {
    const { chosen, told } = this.library;
    this.root.hidden = !chosen.size;
    if (this.root.hidden) return this.rest();
    const isOfDeleted = this.runs.some(({ deleted }) => deleted !== null);
    for (const part of this.usual) part.hidden = isOfDeleted;
    for (const part of this.ofDeleted) part.hidden = !isOfDeleted;
    this.count.textContent = `${chosen.size.toLocaleString("en-US")} chosen`;
    const isTooMany = chosen.size > told.most;
    this.lab.textContent = isTooMany ? `The Lab shows ${told.most} at most` : "Open in the Lab";
    this.lab.ariaDisabled = isTooMany ? "true" : null;
    if (isTooMany) this.lab.removeAttribute("href");
    else this.lab.href = labOf([...chosen]);
    this.lab.role = isTooMany ? "link" : null;
  }

  rest() {
    this.field.replaceChildren();
    this.say("");
  }

  regroup() {
    const { library } = this;
    const done = async (name) => {
      await library.do("group", { runs: [...library.chosen], name });
      library.clear();
    };
    const told = { label: "Group of the chosen runs", value: this.runs[0].group_name, press: "Put into this group" };
    const { root, focus } = field({ ...told, known: library.groupNames() }, done, () => this.field.replaceChildren());
    this.field.replaceChildren(root);
    focus();
  }

  /** Delete them all, or none where some are never changed. */
  delete(ids) {
    const shelved = this.runs.filter(({ kind }) => kind === "shelf").map(({ name, group_name: group }) => `“${name}”, ${group}`);
    if (!shelved.length) return this.attempt(() => this.library.delete(ids));
    this.say(`Nothing was deleted: ${shelved.join("; ")} ${shelved.length === 1 ? "comes" : "come"} with the project and cannot be. Untick first.`);
  }

  async attempt(act) {
    this.say("");
    try {
      await act();
    } catch (error) {
      const active = this.runs.filter(isActive);
      const stop = () => this.attempt(() => this.library.stop(active));
      this.say(error.message, active.length > 0 && button(`Stop ${plural(active.length, "run")}`, stop));
    }
  }

  say(...told) {
    this.said.replaceChildren(...told.filter(Boolean));
  }
}
