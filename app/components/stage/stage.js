// The stage: one state and one clock, and lenses that draw what they say. Streamlit tells it which runs; from then on
// it talks to the data routes alone.

import { mounting } from "../mounting.js";
import { Bar } from "./core/bar.js";
import { Card } from "./core/card.js";
import { KEYS, advance, clock, position } from "./core/clock.js";
import { keyOf } from "./core/classes.js";
import { CHOSEN, h } from "./core/dom.js";
import { Linked } from "./core/linked.js";
import { Presenter } from "./core/presenter.js";
import { Rail, runSwitch } from "./rail.js";
import { Selected } from "./core/selected.js";
import { Sentence } from "./core/sentence.js";
import { asker, fetchFrom } from "./core/server.js";
import { FIELDS, OLD_FIELDS, read, write } from "./state.js";
import { Store } from "./core/store.js";
import { offerSaving } from "./export/saving.js";
import { ALL, LENSES } from "./lenses/lenses.js";
import { charts } from "./plots/chart.js";

const ADDRESS_REST = 400; // milliseconds; browsers refuse addresses that change too often
const TYPED = "select, textarea, input:not([type=range], [type=radio], [type=checkbox]), .scroll";
const ELSEWHERE = '[role="dialog"], [role="listbox"], [role="menu"]'; // keys pressed in these are theirs
const LONGEST_WAIT = 300; // milliseconds until what is heavy begins, though the browser is not idle
const LONGEST_FRAME = 0.25; // seconds; what a sleeping tab missed is not played back
const WITHOUT_EPOCH = {
  queued: () => " It waits in the queue.",
  running: ({ note }) => ` It gets ready${note ? `: ${note}` : ""}.`,
  failed: ({ error }) => ` It has failed: ${error}`,
  stopped: () => " It was stopped before.",
};
const DIRTY = { epochs: "arrived", history: "arrived", view: "viewed" }; // what of the page follows what has come
const DIFFERENT = "These runs have different classes or counts: they are not compared.";

const mount = mounting(".bcl-stage", (host, { prefix }) => new Stage(host, fetchFrom(prefix), asker(prefix)));
export { mount as default };

export class Stage {
  page = "lab"; // of the app
  clock = clock([]);
  binders = [];
  lenses = [];
  dirty = new Set();
  listening = new AbortController();
  still = matchMedia("(prefers-reduced-motion: reduce)");
  narrow = matchMedia("(max-width: 700px)"); // one picture at a time has room, as stage.css has it
  charted = false; // whether the first charts stand
  led = null; // the address of a presenter's stage, while this one shows the same
  awaited = null; // its epoch, while that is not here yet
  warm = false; // whether the first picture stands; Plotly and the graphics card, which stop the browser, wait for it

  /**
   * @param {(path: string) => Promise<ArrayBuffer>} fetchBytes as `Store` takes it: another one feeds another page
   * @param {?(verb: string, args: Object) => Promise<any>} ask for a verb of the lab; null where nobody can be asked
   */
  constructor(host, fetchBytes, ask = null) {
    Object.assign(this, { host, ask });
    this.store = new Store(fetchBytes, (...news) => this.hear(...news));
    this.state = read(location.search);
    host.stage = this; // for who leads, or is led: see classroom.js
    const { signal } = this.listening;
    this.narrow.addEventListener("change", () => this.started && this.mark("rebuild"), { signal });
    addEventListener("resize", () => this.fit(), { signal });
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    charts.addEventListener("rest", () => this.hearCharts(), { signal });
    this.fit();
  }

  /** @param {Object} told what Python tells: see `told` in __init__.py */
  async tell(told) {
    const text = JSON.stringify(told);
    this.fit();
    if (text === this.text) return this.retheme();
    if (this.told && told.chosen_times > this.told.chosen_times) {
      this.host.dispatchEvent(new Event(CHOSEN, { bubbles: true }));
    }
    const before = this.told?.runs.map(({ id }) => id) ?? [];
    this.areOthers = !told.runs.some(({ id }) => before.includes(id)); // none stays: the epoch means nothing to them
    Object.assign(this, { text, told });
    this.state.runs = told.runs.map(({ id }) => id);
    this.store.know(told.runs);
    this.led = this.awaited = null; // whoever leads says anew what is shown of these
    await this.show();
  }

  /** Whether an address is of the runs that are shown. */
  holds(search) {
    return new URLSearchParams(search).get("runs") === this.state.runs.join(".");
  }

  /** Show what a presenter's address says, and be steered by nothing else; null gives the stage back to its reader. */
  lead(search) {
    if (search === this.led) return this.catchUp();
    this.led = search;
    this.awaited = null;
    const { presenter, hidden, control } = this.state;
    const { epoch, speed, follow, runs, ...shown } = search === null ? { ...this.state, presenter: false } : read(search);
    Object.assign(this.state, shown);
    if (search !== null) {
      this.clock = clock(this.kept(), { epoch, speed, follow: follow || (epoch === null && this.grows) });
      if (epoch !== this.clock.epochs[this.clock.at]) this.awaited = epoch;
      this.lens("embedding").lookFrom(shown.basis);
    }
    const staged = (...parts) => JSON.stringify(parts);
    if (staged(presenter, hidden, control) !== staged(shown.presenter, shown.hidden, shown.control)) this.show();
    else this.mark("address", "options");
  }

  /** Go to the epoch that a presenter shows, once it has arrived here, too. */
  catchUp() {
    if (!this.clock.epochs.includes(this.awaited)) return;
    this.send({ type: "seek", epoch: this.awaited });
    this.awaited = null;
  }

  /** Whether this is a presenter's screen, which the stage has to itself. */
  get presents() {
    return this.state.presenter && this.led === null;
  }

  /** Look at the runs or, in presenter view, at the controls that take their place. */
  async show() {
    const { presenter, control, epoch, speed, follow } = this.state;
    const wanted = (this.wanted = {});
    await this.store.show(presenter && control ? await this.controls(control) : this.told.runs);
    if (this.wanted !== wanted) return;
    const follows = follow || (epoch === null && this.grows);
    if (!this.started) this.clock = clock(this.kept(), { epoch, speed, follow: follows });
    else if (this.areOthers) this.clock = clock(this.kept(), { speed, follow: this.grows });
    else this.send({ type: "epochs", epochs: this.kept() });
    this.started = true;
    this.areOthers = false;
    this.rebuild();
    if (this.warm) this.store.sisters();
  }

  /** The controls of a kind, each in the place of its run; where there is none, the run. */
  async controls(kind) {
    const own = this.told.runs;
    const shown = own.map(({ id }) => id); // nobody stands in for a run that is shown itself
    await Promise.all(own.map((run) => this.store.controls(this.store.run(run), shown)));
    return own.map((run) => {
      const { id } = this.store.run(run).controls[kind];
      return id ? { ...run, id, label: `${run.label}, ${kind}` } : run;
    });
  }

  /** Runs that are shown: all of them, but for those that a presenter has not revealed. */
  get runs() {
    const { presenter, hidden } = this.state;
    return this.store.runs.filter((_, i) => !presenter || !hidden.includes(String(i + 1)));
  }

  /** Whether a class of one run is that of all: same names, same training counts. */
  get comparable() {
    return new Set(this.store.runs.flatMap(({ classes }) => (classes ? keyOf(classes) : []))).size <= 1;
  }

  get warnings() {
    const leftOut = new Set(this.store.runs.flatMap(({ about }) => about?.provenance["left out"] ?? []));
    const files = Array.from(leftOut, (names) => `Files that cannot be read were left out: ${names}.`);
    return [...(this.comparable ? [] : [DIFFERENT]), ...files];
  }

  /** Whether one of the runs may have more epochs: then who says nothing else follows it. */
  get grows() {
    return this.store.runs.some((run) => run.active);
  }

  /** The lens that the reader looks through, by its key, or ALL. A presenter shows one at a time. */
  get through() {
    const { lens, presenter } = this.state;
    return lens === ALL && presenter ? LENSES[0].key : lens;
  }

  /** Say how high the page has room, so that sentence, picture and bar fit in. */
  fit() {
    const scrolled = this.host.closest('[data-testid="stMain"]') ?? document.documentElement; // Streamlit's, or none
    const above = this.host.getBoundingClientRect().top + scrolled.scrollTop;
    this.host.style.setProperty("--room", `${Math.max(0, Math.round(innerHeight - above))}px`);
  }

  /** How far the runs go that are trained or may go on: the last planned epoch; null where all have ended. */
  get planned() {
    const growing = this.store.runs.filter((run) => run.mayMove);
    const ends = growing.map(({ pulse, epochs }) => pulse?.planned ?? epochs.at(-1) ?? 0);
    return ends.length ? Math.max(...ends) : null;
  }

  /** Epochs that any run has; the newest once all have it that are trained side by side, an epoch each before the next. */
  kept() {
    const { runs } = this.store;
    const moving = runs.filter(({ state, epochs }) => state === "running" && epochs.length);
    const lasts = moving.map(({ epochs }) => epochs.at(-1));
    const newest = Math.max(...lasts);
    const isBetween = newest - Math.min(...lasts) === 1;
    const all = [...new Set(runs.flatMap(({ epochs }) => epochs))].sort((a, b) => a - b);
    return isBetween ? all.filter((epoch) => epoch < newest) : all;
  }

  /** What of a run is shown, or a sentence why nothing is; where `views` is false the epoch's numbers are enough. */
  look(run, views = true) {
    const epoch = run.shown(this.at.epoch ?? 0);
    const snapshot = run.snapshots.get(epoch) ?? null;
    const hasNumbers = run.curves.has(epoch);
    const damage = views ? run.failures.get(epoch) : run.curves.faults.get(epoch);
    const failure = damage ?? (views || hasNumbers ? null : run.failures.get(epoch) ?? run.fault("history"));
    const here = !damage && (snapshot || (!views && hasNumbers));
    const without = () => `This run has no epoch yet.${WITHOUT_EPOCH[run.state]?.(run.pulse) ?? ""}`;
    const lack = run.error ?? (epoch === null ? without() : failure && `Epoch ${epoch} cannot be shown. ${failure}`);
    const reason = here ? null : lack ?? this.store.away;
    const fault = run.fault("folder") ?? run.fault("about") ?? (run.classes ? null : run.fault("recipe"));
    const said = fault ?? reason ?? (run.classes || epoch === null ? null : run.fault("samples"));
    const waiting = !said && !here;
    return { epoch, snapshot, waiting, message: said ?? (waiting ? `Epoch ${epoch} is on its way.` : null) };
  }

  /** Whether something is seen that draws from the epochs' views. */
  get viewing() {
    const isOpen = this.lenses.some((lens) => lens.open && lens.constructor.views);
    return this.warm && (isOpen || this.state.selection.length > 0);
  }

  /** Whether what is drawn of a run is here, or will never be, where the scrubber stands at an epoch. */
  has(run, at) {
    const epoch = run.shown(at ?? 0);
    if (epoch === null || run.error) return true;
    const isViewed = run.snapshots.has(epoch) || run.failures.has(epoch);
    return isViewed || (!this.viewing && Boolean(run.curves.has(epoch) || run.failed.history));
  }

  /** The snapshots between which a run's picture stands. */
  tween(run) {
    const { snapshot: a } = this.look(run);
    const b = run.snapshots.get(run.shown(this.at.next ?? 0)) ?? a;
    return { a, b, fraction: a === b ? 0 : this.at.fraction };
  }

  set(changes) {
    Object.assign(this.state, changes);
    if ("speed" in changes) this.clock = advance(this.clock, { type: "speed", speed: changes.speed });
    this.mark("address", "hidden" in changes ? "rebuild" : "options");
    if ("presenter" in changes || "control" in changes) this.show();
  }

  send(event) {
    this.clock = advance(this.clock, event);
    this.mark("address", "frame");
  }

  /** A control says how it follows the state. */
  bind(follow) {
    this.binders.push(follow);
    follow();
  }

  hear(run, what, epoch) {
    if (!this.started) return;
    if (what === "pulse") return this.bar.update();
    if (what === "rest" || (what === "view" && !this.draws(run, epoch))) return this.rest();
    if (what === "epochs") this.send({ type: "epochs", epochs: this.kept() });
    if ((what === "about" || run === null) && this.warm) this.store.sisters(); // also when the server is back
    const redone = what === "about" && this.store.runs.includes(run);
    this.mark(redone ? "rebuild" : (DIRTY[what] ?? "frame"));
  }

  /** Whether a view is drawn from where the scrubber stands; the others were fetched ahead. */
  draws(run, epoch) {
    const { at, state } = this;
    return state.layers.includes("trails") || [at.epoch, at.next].some((other) => run.shown(other ?? 0) === epoch);
  }

  hearCharts() {
    if (this.charted) return this.rest();
    this.charted = true;
    this.mark("frame");
  }

  /** Say, for who waits for it, whether all that is shown has arrived and is drawn. */
  rest() {
    const rests = () =>
      this.warm && !this.moving && this.waiting === undefined && this.store.resting && !charts.drawing;
    if (rests()) requestAnimationFrame(() => rests() && (this.host.dataset.settled = "true")); // canvases follow
  }

  mark(...parts) {
    this.host.dataset.settled = "false";
    for (const part of parts) this.dirty.add(part);
    this.waiting ??= requestAnimationFrame((time) => this.draw(time));
  }

  draw(time) {
    this.waiting = undefined;
    this.advance(Math.min(LONGEST_FRAME, (time - (this.drawnAt ?? time)) / 1000));
    this.drawnAt = time;
    const { dirty } = this;
    this.dirty = new Set();
    if (dirty.has("address")) this.addressing ??= setTimeout(() => this.writeAddress(), ADDRESS_REST);
    if (dirty.has("rebuild")) return this.rebuild();
    const { epoch } = this.at;
    this.at = this.place();
    this.fetch();
    this.bar.update();
    const open = this.lenses.filter((lens) => lens.open);
    if (dirty.has("options")) {
      for (const follow of this.binders) follow();
      for (const lens of this.lenses) lens.refresh();
      this.list.update();
    } else if (dirty.has("arrived")) for (const lens of open) lens.try("arrived");
    if (dirty.has("viewed")) for (const lens of open) lens.try("viewed");
    if (this.at.epoch !== epoch || this.hasChanged()) {
      this.sentence.update();
      this.list.update();
      for (const lens of this.lenses) lens.update();
    } else for (const lens of open) lens.try("frame");
    if (!this.warm && this.runs.every((run) => this.has(run, this.at.epoch))) this.warmUp();
    if (this.moving) this.mark("frame");
    else this.drawnAt = undefined;
    this.rest();
  }

  /** Ask for what is drawn of the epochs around this one. */
  fetch() {
    const { viewing, at, state, store } = this;
    const embeds = this.lens("embedding").open;
    const trails = viewing && embeds && state.layers.includes("trails");
    store.views.aim({ epoch: at.epoch, next: at.next, views: viewing, trails });
    const drawn = this.lenses.some((lens) => lens.open && lens.constructor.samples);
    const needSamples = viewing && (drawn || state.selection.length > 0);
    const isTheirTurn = this.charted || !charts.drawing; // curves go first, and views
    for (const run of needSamples && isTheirTurn ? store.runs : []) {
      if (run.epochs.length && run.classes && this.has(run, at.epoch)) store.samples(run);
    }
  }

  /** Build what has waited, once what is drawn now is on the screen. */
  warmUp() {
    const begin = () => {
      if (this.listening.signal.aborted) return; // removed since
      this.warm = true;
      this.store.sisters();
      this.mark("options");
    };
    const idle = window.requestIdleCallback ?? setTimeout;
    this.warming ??= requestAnimationFrame(() => idle(begin, { timeout: LONGEST_WAIT }));
  }

  /** Whether what the runs show has arrived, or failed, since this was last asked. */
  hasChanged() {
    const seen = this.runs.map((run) => {
      const [{ epoch, message }, { message: without }] = [this.look(run), this.look(run, false)];
      const parts = [run.samples, run.predicted].map(Boolean);
      return [run.told.id, run.age, epoch, message, without, ...parts, ...Object.values(run.failed)].join("/");
    }).join();
    const key = `${seen}/${this.store.away}`;
    const changed = key !== this.seen;
    this.seen = key;
    return changed;
  }

  get moving() {
    const { playing, follow, at, epochs } = this.clock;
    return playing || (follow && at < epochs.length - 1) || this.lenses.some((lens) => lens.moving);
  }

  /** Let time pass; the clock waits for epochs that have not arrived. */
  advance(seconds) {
    const { next } = position(this.clock);
    if (this.store.runs.every((run) => this.has(run, next))) {
      this.clock = advance(this.clock, { type: "tick", seconds });
    }
    for (const lens of this.lenses) lens.tick?.(seconds);
  }

  /** Where the pictures stand: tweened, unless the reader wants nothing to move by itself. */
  place() {
    const at = position(this.clock);
    return this.still.matches ? { ...at, next: at.epoch, fraction: 0 } : at;
  }

  rebuild() {
    if (this.lenses.length) this.state.basis = this.lens("embedding").written();
    for (const lens of this.lenses) lens.destroy();
    this.binders = [];
    this.at = this.place();
    this.rail = new Rail(this);
    this.bar = new Bar(this);
    this.sentence = new Sentence(this);
    this.linked = new Linked(this);
    this.card = new Card(this);
    this.list = new Selected(this);
    this.presenter = this.presents ? new Presenter(this) : null;
    this.lenses = LENSES.map((Kind) => new Kind(this));
    offerSaving(this);
    const warnings = this.warnings.map((text) => h("p", { class: "warning", title: text }, text));
    const pictures = h("div", { class: "lenses" }, this.lenses.map(({ root }) => root));
    this.lens("embedding").side.prepend(this.list.root);
    const head = [...warnings, this.sentence.root, this.rail.root, runSwitch(this)];
    const all = [...head, pictures, this.presenter?.root, this.bar.root, this.card.root];
    const name = document.activeElement?.matches(":focus-visible") ? document.activeElement.name : null;
    this.host.replaceChildren(...all.filter(Boolean));
    if (name) this.host.querySelector(`button[name="${CSS.escape(name)}"]`)?.focus(); // it was pressed by keyboard
    this.bind(() => {
      this.host.classList.toggle("presenter", this.presents);
      this.host.classList.toggle("led", this.led !== null);
      for (const { root } of [this.rail, this.bar]) root.inert = this.led !== null;
      this.host.classList.toggle("all", this.through === ALL);
    });
    this.sentence.update();
    for (const lens of this.lenses) lens.refresh();
    this.list.update();
    this.bar.update();
    this.mark("address", "frame");
  }

  retheme() {
    for (const lens of this.lenses) lens.retheme();
  }

  key(event) {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !this.started || this.led !== null) return;
    if (target.matches(TYPED) || target.closest(ELSEWHERE)) return;
    if (target.matches("[type=radio], [type=checkbox]") && /^( |Arrow.*)$/.test(event.key)) return;
    if (event.key in KEYS && !(event.key === " " && target.matches("button, summary"))) this.send(KEYS[event.key]);
    else if (!this.presenter?.press(event) && !this.rail.press(event.key)) return;
    event.preventDefault();
  }

  /** What is shown, as an address's query without "?". */
  get search() {
    const { at, epochs, follow, speed } = this.clock;
    const epoch = follow || (at === epochs.length - 1 && !this.grows) ? null : position(this.clock).epoch;
    return write({ ...this.state, epoch, follow, speed, basis: this.lens("embedding").written() });
  }

  writeAddress() {
    clearTimeout(this.addressing);
    this.addressing = undefined;
    const url = new URL(location.href);
    for (const name of [...Object.keys(FIELDS), ...OLD_FIELDS]) url.searchParams.delete(name);
    for (const [name, value] of new URLSearchParams(this.search)) url.searchParams.set(name, value);
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  }

  lens(key) {
    return this.lenses.find((lens) => lens.key === key);
  }

  remove() {
    cancelAnimationFrame(this.waiting);
    clearTimeout(this.addressing);
    this.listening.abort();
    this.wanted = null;
    this.store.stop();
    for (const lens of this.lenses) lens.destroy();
  }
}
