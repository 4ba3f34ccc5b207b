// One run of the Library: a card, or a row; the style sheet makes the one or the other of the same elements.

import { button, h, popup } from "../stage/core/dom.js";
import { memory, plural } from "../stage/core/words.js";
import { anglesInWords, dataInWords, isActive, labOf, lossInWords, percent, stateInWords } from "./catalogue.js";
import { field } from "./field.js";
import { Thumbnail } from "./thumbnail.js";

export class Entry {
  /** @param {Library} library @param {LibraryRun} run */
  constructor(library, run) {
    this.library = library;
    const tick = { type: "checkbox", onchange: () => library.choose(this.run.id, this.tick.checked) };
    this.tick = h("input", tick);
    this.name = h("bdi");
    this.link = h("a", {}, this.name);
    this.heading = h("h3", {}, this.link);
    this.more = button("⋯", () => this.menu ?? this.offer(), { class: "more" }); // before the browser opens it
    this.group = h("p", { class: "group", dir: "auto" });
    this.state = h("p", { class: "state" });
    this.progress = h("progress", { max: 1 });
    this.accuracyOf = h("dt");
    this.accuracy = h("dd");
    this.shots = Object.entries(library.told.shots).map(([name, words]) => {
      const size = h("dd", { class: "size" });
      const value = h("dd");
      return { name, size, value, root: h("div", { title: words }, h("dt", {}, name), value, size) };
    });
    const accuracy = h("div", { class: "accuracy" }, this.accuracyOf, this.accuracy);
    this.figures = h("dl", {}, accuracy, this.shots.map(({ root }) => root));
    this.angles = h("p", { class: "angles" });
    this.trainedOn = h("span", { class: "trained-on" });
    this.telling = h("span", { class: "telling" }); // which a row says, too
    this.data = h("p", { class: "data", dir: "auto" }, this.trainedOn, this.telling);
    this.thumbnail = new Thumbnail(library.fetchBytes, library.told.colours);
    this.said = h("div", { class: "said", role: "status" });
    this.root = h(
      "article",
      { class: "entry" },
      h("header", {}, h("label", { class: "tick" }, this.tick), this.heading, this.more),
      this.thumbnail.root,
      h("div", { class: "standing" }, this.group, this.state, this.progress),
      this.figures,
      this.angles,
      this.data,
      this.said,
    );
    this.root.entry = this;
    this.update(run);
  }

  /** @param {LibraryRun} run as it is now */
  update(run) {
    const before = this.run;
    if (before && JSON.stringify(before) === JSON.stringify(run)) return;
    this.run = run;
    const { id, name, state, progress, figures, deleted, epoch } = run;
    const isGone = deleted !== null;
    const isOpenable = !isGone && state !== "unreadable";
    this.root.dataset.id = id;
    this.root.dataset.state = isGone ? "deleted" : state;
    this.name.textContent = name;
    this.link.title = name;
    this.group.textContent = run.group_name;
    if (isOpenable) this.link.href = labOf([id]);
    else this.link.removeAttribute("href");
    this.tick.ariaLabel = `Choose ${name}`;
    this.more.ariaLabel = `What to do with ${name}`;
    this.state.textContent = isGone ? `deleted ${when(deleted)}` : stateInWords(run);
    this.state.title = run.error ?? "";
    this.progress.hidden = isGone || !isActive(run) || (state === "queued" && !progress);
    this.progress.value = progress;
    this.progress.ariaLabel = `How far ${name} is`;
    const ofMeans = figures.accuracy === null && figures.nearest_mean !== null;
    this.accuracyOf.textContent = ofMeans ? "nearest mean" : "accuracy";
    this.accuracy.textContent = percent(ofMeans ? figures.nearest_mean : figures.accuracy);
    for (const { name: group, value } of this.shots) value.textContent = percent(figures[group]);
    this.angles.textContent = anglesInWords(run);
    this.sayData();
    this.data.title = run.recipe;
    this.thumbnail.canvas.ariaLabel = `Angles between classes: ${this.angles.textContent || "not recorded"}`;
    this.thumbnail.root.hidden = isGone; // what was deleted is asked for nothing
    if (epoch === null) this.thumbnail.say("No epoch to draw yet.");
    else if (figures.angle === null) this.thumbnail.say("No angles were recorded.");
    if (this.isSeen) this.see();
  }

  /** @param {string} words which no other run of this name and data has */
  tellApart(words) {
    if (words === this.apart) return;
    this.apart = words;
    this.sayData();
  }

  sayData() {
    const data = dataInWords(this.run, this.counts);
    this.telling.textContent = [lossInWords(this.run), this.apart].filter(Boolean).join(" · ");
    this.trainedOn.textContent = data && this.telling.textContent ? `${data} · ` : data;
  }

  /** It is on the screen, or nearly: draw its picture. */
  async see() {
    this.isSeen = true;
    if (this.run.epoch === null || this.run.figures.angle === null || this.run.deleted !== null) return;
    const classes = await this.thumbnail.show(this.run);
    if (!classes) return;
    this.counts = classes.counts;
    this.sayData();
    for (const { name, size } of this.shots) size.textContent = plural(classes.shots[name], "class", "classes");
  }

  /** Make the menu: what is in it is made whenever it opens. */
  offer() {
    this.menu = h("div", { class: "menu", popover: "auto" });
    this.menu.addEventListener("beforetoggle", ({ newState }) => {
      if (newState === "open") this.menu.replaceChildren(...this.items());
    });
    popup(this.more, this.menu);
    this.root.append(this.menu);
  }

  items() {
    const { library, run } = this;
    const { id, kind, state, deleted, epoch } = run;
    const item = (text, act) => {
      const press = () => {
        this.menu.hidePopover();
        act();
      };
      return button(text, press);
    };
    const may = (verb) => library.may(verb);
    if (deleted !== null) {
      if (!may("restore")) return [];
      return [
        item("Restore", () => this.attempt(() => library.restore([id]))),
        item("Delete for good", () => library.askToPurge([id], (...told) => this.say(...told))),
        disk(run),
      ];
    }
    const isReadable = state !== "unreadable";
    const isOurs = kind !== "shelf";
    const ask = (what) => () => library.open(what, id);
    return [
      isReadable && h("a", { href: labOf([id]) }, "Open in the Lab"),
      isOurs && may("rename") && item("Rename", () => this.rename()),
      isOurs && may("group") && item("Group", () => this.regroup()),
      kind === "shelf" && may("train-on") && item("Train on", ask("train-on")),
      kind === "shelf" && item("Model card", ask("card")),
      kind === "shelf" && h("p", {}, "It comes with the project and is never changed."),
      run.lacks_images && may("look") && item("Fetch images", ask("images")),
      isReadable && epoch !== null && may("export") && item("Export", () => this.save()),
      isActive(run) && kind !== "recorded" && may("stop") && item("Stop", () => this.attempt(() => library.stop([run]))),
      isOurs && may("delete") && item("Delete", () => this.attempt(() => library.delete([id]))),
      may("delete") && disk(run),
    ].filter(Boolean);
  }

  rename() {
    const { run, library } = this;
    const done = (name) => library.do("rename", { run: run.id, name });
    const told = { label: `Name of ${run.name}`, value: run.name, press: "Rename" };
    this.edit(told, done);
  }

  regroup() {
    const { run, library } = this;
    const done = (name) => library.do("group", { runs: [run.id], name });
    const told = { label: `Group of ${run.name}`, value: run.group_name, press: "Put into this group" };
    this.edit({ ...told, known: library.groupNames() }, done);
  }

  edit(told, done) {
    const { root, focus } = field(told, done, () => this.leave());
    this.heading.replaceChildren(root);
    this.root.classList.add("edited");
    focus();
  }

  leave() {
    const hadFocus = this.heading.contains(document.activeElement);
    this.heading.replaceChildren(this.link);
    this.root.classList.remove("edited");
    if (hadFocus) this.more.focus();
  }

  save() {
    this.library.save([this.run.id], (...told) => this.say(...told));
  }

  /** Do it; what is refused is said here, with a way out where the run is still trained. */
  async attempt(act) {
    this.say("");
    try {
      await act();
    } catch (error) {
      const stop = () => this.attempt(() => this.library.stop([this.run]));
      this.say(error.message, isActive(this.run) && button("Stop it", stop));
    }
  }

  say(...told) {
    this.said.replaceChildren(...told.filter(Boolean));
  }

  remove() {
    this.thumbnail.remove();
    this.root.remove();
  }
}

function when(seconds) {
  return new Date(1000 * seconds).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

/** What deleting it would free. @param {LibraryRun} run */
function disk(run) {
  return h("p", {}, `${memory(run.bytes)} on the disk`);
}
