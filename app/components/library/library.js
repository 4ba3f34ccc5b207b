// The Library: every run as a card or a row, to be found, opened and put in order. Streamlit tells where to ask; what is
// shown comes from the data routes, and what is done goes there.

import { mounting } from "../mounting.js";
import { button, h } from "../stage/core/dom.js";
import { follow } from "../stage/core/jobs.js";
import { Away, asker, fetchFrom, sentence } from "../stage/core/server.js";
import { plural, whole } from "../stage/core/words.js";
import { Bar } from "./bar.js";
import { KINDS, STATES, apart, byGroup, chosenOf, groupInWords, isSorted, labOf, read, sorted, write } from "./catalogue.js";
import { Entry } from "./entry.js";
import { Headings } from "./headings.js";
import { reader } from "./reader.js";

const POLL = 2000; // milliseconds
const AT_ONCE = 24; // runs that are laid out before the browser is given a chance to draw
const NEAR = "300px"; // of the window, that pictures are drawn in
const UNDO = 20_000; // milliseconds that it is offered
const ADDRESS_REST = 400; // milliseconds; browsers refuse addresses that change too often
const READING =
  "A dot is a pair of classes at the angle between their means: orange within the tail, the rarest three tenths, dashed where " +
  "all would be equally far apart, as in a regular simplex. One run is one seed, which says little about a loss. ";
const AWAY = "The app does not answer; what is listed may have changed. It is asked again every two seconds.";

class Library {
  runs = [];
  entries = new Map(); // by the runs' ids
  sections = new Map(); // by the groups' ids
  chosen = new Set(); // ids, in the order in which they were ticked
  listening = new AbortController();
  asked = 0; // questions so far, and which of them was answered last
  answered = 0;

  /**
   * @param {HTMLElement} host
   * @param {{prefix: string, colours: Object<string, string>, most: number, shots: Object<string, string>}} told where to
   *   ask, the colours of rare and frequent classes, how many runs the Lab shows, and groups of classes in words
   * @param {{setTriggerValue: (name: string, value: any) => void}} component tells Python what is to be opened
   */
  constructor(host, told, component) {
    Object.assign(this, { host, told, component });
    this.fetchBytes = fetchFrom(told.prefix);
    this.ask = asker(told.prefix);
    this.read = reader(told.prefix);
    this.view = read(location.search);
    this.build();
    const { signal } = this.listening;
    this.seen = new IntersectionObserver((all) => this.see(all), { rootMargin: NEAR });
    addEventListener("focus", () => this.look(), { signal });
    document.addEventListener("visibilitychange", () => this.look(), { signal });
    this.polling = setInterval(() => this.look(), POLL);
    this.look();
  }

  build() {
    const search = { type: "search", "aria-label": "Search", placeholder: "Name, group, loss, data or id" };
    this.search = h("input", { ...search, oninput: () => this.change({ find: this.search.value }) });
    this.search.value = this.view.find;
    this.kinds = h("div", { class: "chips", role: "group", "aria-label": "Kind" });
    this.states = h("div", { class: "chips", role: "group", "aria-label": "State" });
    const look = (value, text) => button(text, () => this.change({ look: value }), { "data-look": value });
    this.looks = [look("", "Cards"), look("rows", "Rows")];
    this.notes = h("div", { class: "notes" });
    const open = matchMedia("(min-width: 700px)").matches; // on a phone the runs come first
    const reading = h("details", { class: "reading", open }, h("summary", {}, "How to read a run"), h("p", {}, READING, inWords(this.told.shots)));
    this.away = h("p", { class: "warning", role: "alert", hidden: true });
    this.list = h("div", { class: "list" });
    this.empty = h("p", { class: "empty", role: "status" }, "Loading the runs …");
    this.notice = h("div", { class: "notice", role: "status", "aria-live": "polite" });
    this.bar = new Bar(this);
    this.headings = new Headings((sort) => this.change({ sort }));
    this.host.replaceChildren(
      h(
        "div",
        { class: "tools" },
        this.search,
        h(
          "div",
          { class: "filters" },
          this.kinds,
          this.states,
          h("div", { class: "chips looks", role: "group", "aria-label": "Shown as" }, this.looks),
        ),
      ),
      this.away,
      this.notes,
      reading,
      this.empty,
      this.headings.root,
      this.list,
      h("div", { class: "foot" }, this.notice, this.bar.root),
    );
    this.mark();
  }

  // What there is

  /** Ask for the runs, unless nobody looks. @param {boolean} now after something was done */
  async look(now = false) {
    if (!now && (document.hidden || this.asked > this.answered)) return;
    const mine = ++this.asked;
    try {
      const library = await this.read(now);
      if (mine < this.answered) return; // a later question was answered first
      this.answered = mine;
      this.away.hidden = true;
      if (library) this.take(library);
    } catch (error) {
      if (mine < this.answered) return;
      this.answered = mine;
      this.away.hidden = false;
      this.away.textContent = error instanceof Away ? AWAY : error.message;
      if (!this.runs.length) this.empty.textContent = "";
    }
  }

  /** @param {{runs: LibraryRun[], about: Object<string, string>, shelf: string, faults: Object<string, string>}} library */
  take(library) {
    Object.assign(this, { runs: library.runs, library, apart: apart(library.runs) });
    const known = new Map(library.runs.map((run) => [run.id, run]));
    for (const [id, entry] of this.entries) {
      if (known.has(id)) entry.update(known.get(id));
      else {
        this.seen.unobserve(entry.root);
        entry.remove();
        this.entries.delete(id);
      }
    }
    for (const id of this.chosen) {
      const entry = known.get(id);
      if (!entry || (entry.deleted !== null) !== (this.view.state === "deleted")) this.choose(id, false);
    }
    this.tellFaults();
    this.show();
  }

  tellFaults() {
    const { faults, shelf, runs } = this.library;
    const told = Object.entries(faults).map(([folder, why]) =>
      h("p", { class: "warning" }, h("b", {}, h("bdi", {}, folder)), ` was not opened: ${sentence(why)}`),
    );
    if (!runs.some(({ kind }) => kind === "shelf")) told.push(h("p", {}, `There is no run in ${shelf}.`));
    if (!runs.some(({ kind, deleted }) => kind !== "shelf" && deleted === null)) {
      told.push(h("p", {}, "No run of yours is here yet. ", h("a", { href: "lab?new=digits" }, "Train a race")));
    }
    const text = told.map(({ textContent }) => textContent).join("\n");
    if (text !== this.toldFaults) this.notes.replaceChildren(...told);
    this.toldFaults = text;
  }

  // What is listed of it

  /** List something else, or otherwise. */
  change(view) {
    const isOther = "state" in view && (view.state === "deleted") !== (this.view.state === "deleted");
    Object.assign(this.view, view);
    if (isOther) this.clear();
    clearTimeout(this.writing);
    this.writing = setTimeout(() => this.writeAddress(), ADDRESS_REST);
    this.mark();
    if (this.library) this.show();
  }

  writeAddress() {
    const search = write(location.search, this.view);
    if (search !== location.search) history.replaceState(history.state, "", `${location.pathname}${search}`);
  }

  mark() {
    this.host.classList.toggle("rows", this.view.look === "rows");
    for (const button of this.looks) button.ariaPressed = String(button.dataset.look === this.view.look);
    this.headings.mark(this.view);
    this.host.classList.toggle("sorted", isSorted(this.view));
  }

  show() {
    const { listed, kinds, states } = chosenOf(this.runs, this.view);
    this.chips(this.kinds, "kind", KINDS, kinds);
    this.chips(this.states, "state", STATES, states);
    this.empty.hidden = listed.length > 0;
    if (!listed.length) this.empty.replaceChildren(...this.whyEmpty());
    this.lay(isSorted(this.view) ? [sorted(listed, this.view.sort)] : byGroup(listed));
  }

  whyEmpty() {
    const { find, kind, state } = this.view;
    if (!find && !kind && !state) return [];
    const clear = () => {
      this.search.value = "";
      this.change({ find: "", kind: "", state: "" });
      this.search.focus();
    };
    const none = state === "deleted" ? "Nothing is deleted. " : "There is no such run. ";
    const said = find.trim() ? ["No run matches “", h("bdi", {}, find.trim()), "”. "] : [none];
    return [...said, button("Show all", clear)];
  }

  /** Buttons that filter, of which one at most is pressed. */
  chips(host, name, words, counts) {
    const offered = Object.keys(words).filter((key) => counts[key] || this.view[name] === key);
    const text = JSON.stringify([offered, counts, this.view[name]]);
    if (host.text === text) return;
    host.text = text;
    const had = host.contains(document.activeElement) && document.activeElement.value;
    const chips = offered.map((value) => {
      const isOn = this.view[name] === value;
      const press = () => this.change({ [name]: isOn ? "" : value });
      const count = h("span", { class: "count" }, whole(counts[value] ?? 0));
      const chip = button(`${words[value]} `, press, { value, "aria-pressed": String(isOn) });
      chip.append(count);
      return chip;
    });
    host.replaceChildren(...chips);
    chips.find(({ value }) => value === had)?.focus();
  }

  /** Lay the groups out in this order, the first of them at once and the others while the browser has time. */
  lay(groups) {
    cancelIdleCallback(this.laying);
    const wanted = new Set(groups.flatMap((runs) => runs.map(({ id }) => id)));
    for (const [id, entry] of this.entries) if (!wanted.has(id)) entry.root.remove();
    const steps = this.steps(groups);
    const go = () => {
      for (let i = 0; i < AT_ONCE; i++) if (steps.next().done) return this.rest();
      this.laying = requestIdleCallback(go, { timeout: 100 });
    };
    this.host.dataset.laid = "false";
    go();
  }

  *steps(groups) {
    let place = 0;
    for (const runs of groups) {
      const section = this.section(runs);
      put(this.list, section.root, place++);
      for (const [i, run] of runs.entries()) {
        put(section.list, this.entry(run).root, i);
        yield;
      }
    }
    while (this.list.children.length > place) this.list.lastChild.remove();
  }

  rest() {
    this.host.dataset.laid = "true";
  }

  entry(run) {
    if (!this.entries.has(run.id)) {
      const entry = new Entry(this, run);
      this.entries.set(run.id, entry);
      this.seen.observe(entry.root);
    }
    const entry = this.entries.get(run.id);
    entry.tellApart(this.apart.get(run.id));
    entry.tick.checked = this.chosen.has(run.id);
    return entry;
  }

  /** The part of a group, under its name; made where there is none. @param {LibraryRun[]} runs listed of it */
  section(runs) {
    const [{ group_name: name, ...first }] = runs;
    const group = isSorted(this.view) ? "" : first.group; // sorted rows are of all groups
    if (!this.sections.has(group)) {
      const parts = { name: h("bdi"), lab: h("a", {}, "Open side by side"), about: h("p"), list: h("div", { class: "entries" }) };
      const head = h("header", {}, h("h2", {}, parts.name), parts.lab);
      this.sections.set(group, { ...parts, root: h("section", {}, group ? [head, parts.about] : null, parts.list) });
    }
    const section = this.sections.get(group);
    section.name.textContent = name;
    section.about.textContent = this.library.about[group] ?? groupInWords(runs);
    const open = runs.filter(({ state, deleted }) => state !== "unreadable" && deleted === null);
    section.lab.hidden = open.length < 2;
    section.lab.href = labOf(open.slice(0, this.told.most).map(({ id }) => id));
    return section;
  }

  see(all) {
    for (const { isIntersecting, target } of all) {
      if (isIntersecting) target.entry.see();
      else target.entry.isSeen = false;
    }
  }

  groupNames() {
    return [...new Set(this.runs.filter(({ kind }) => kind !== "shelf").map(({ group_name: name }) => name))];
  }

  // What is done with it

  /** Whether who looks may do this. */
  may(verb) {
    return this.told.may.includes(verb);
  }

  /** Ask for a deed, and look what came of it. */
  async do(verb, args) {
    const answer = await this.ask(verb, args);
    await this.look(true);
    return answer;
  }

  async delete(ids) {
    await this.do("delete", { runs: ids });
    this.announce(`Deleted ${plural(ids.length, "run")}.`, "Undo", () => this.restore(ids));
  }

  async restore(ids) {
    await this.do("restore", { runs: ids });
    this.announce(`Restored ${plural(ids.length, "run")}.`);
  }

  /** @param {LibraryRun[]} runs */
  async stop(runs) {
    for (const { id } of runs) await this.ask("stop", { target: id });
    await this.look(true);
  }

  /** Ask whether runs are to be gone for good, where `say` says it; then do so. */
  askToPurge(ids, say) {
    const purge = async () => {
      try {
        await this.do("purge", { runs: ids });
        say("");
        this.announce(`${plural(ids.length, "run")} deleted for good.`);
      } catch (error) {
        say(error.message);
      }
    };
    const yes = button("Delete for good", purge);
    say(`Remove ${plural(ids.length, "run")} with all files? This cannot be undone. `, yes, button("Keep", () => say("")));
    yes.focus();
  }

  /** Have runs written into a file, and hand it over where `say` says how that goes. */
  async save(ids, say) {
    const hear = ({ state, progress, error }, job) => {
      if (state === "failed") say(sentence(`nothing was exported: ${error}`));
      else if (state !== "done") say(state === "unknown" ? "The export waits for other jobs to end." : progress || "Exporting …");
      else {
        const href = new URL(`${this.told.prefix}/jobs/${job}/runs.zip`, document.baseURI).href;
        const link = h("a", { href, download: "" }, "Download it again");
        say("Exported. ", link);
        link.click();
      }
    };
    say("Exporting …");
    const ask = () => this.ask("export", { runs: ids });
    await follow(ask, this.fetchBytes, hear, this.listening.signal).catch((error) => say(error.message));
  }

  /** Have Python open a dialog about a run. */
  open(what, run) {
    this.component.setTriggerValue("asked", { what, run });
  }

  /** Say what was done, for a while, with a way back. */
  announce(text, word = "", act = null) {
    const said = h("span", {}, text);
    const press = async ({ target }) => {
      target.disabled = true;
      try {
        await act();
      } catch (error) {
        said.textContent = `${text} ${error.message}`; // and the way back stays
        target.disabled = false;
        this.hushLater();
      }
    };
    const close = button("✕", () => this.notice.replaceChildren(), { class: "close", "aria-label": "Close" });
    this.notice.replaceChildren(said, ...(act ? [button(word, press)] : []), close);
    this.hushLater();
  }

  hushLater() {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.hush(), UNDO);
  }

  hush() {
    if (this.notice.matches(":hover, :focus-within")) this.telling = setTimeout(() => this.hush(), UNDO);
    else this.notice.replaceChildren();
  }

  choose(id, isChosen) {
    if (isChosen) this.chosen.add(id);
    else this.chosen.delete(id);
    const entry = this.entries.get(id);
    if (entry) entry.tick.checked = isChosen;
    this.bar.update();
  }

  clear() {
    for (const id of [...this.chosen]) this.choose(id, false);
  }

  /** The theme may be another one; what Python tells stays the same. */
  tell() {
    for (const { thumbnail } of this.entries.values()) thumbnail.retheme();
  }

  remove() {
    clearInterval(this.polling);
    clearTimeout(this.telling);
    clearTimeout(this.writing);
    cancelIdleCallback(this.laying);
    this.listening.abort();
    this.seen.disconnect();
    for (const entry of this.entries.values()) entry.remove();
  }
}

/** Which classes are in which group. @param {Object<string, string>} shots */
function inWords(shots) {
  const groups = Object.entries(shots).map(([name, words]) => `${name}, ${words}`);
  return `Groups of classes: ${groups.join("; ")}.`;
}

/** Have an element stand at a place among its siblings; one that stands there is left alone, and keeps the focus. */
function put(parent, element, place) {
  const there = parent.children[place] ?? null;
  if (there !== element) parent.insertBefore(element, there);
}

const show = mounting(".bcl-library", (host, data, component) => new Library(host, data, component));

export default function mount(component) {
  return show(component);
}
