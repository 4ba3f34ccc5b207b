// The bar that every picture hangs on: which epoch, how fast, how far training has come, and what steers it.

import { position } from "./clock.js";
import { button, h, icon } from "./dom.js";
import { Training } from "./training.js";

const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M12 3v10L4 8z",
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  on: "M4 3v10l8-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
};
const HERE_ALONE = "The link opens on this machine only: `make classroom` serves others.";
const SPEEDS = [0.5, 1, 2, 4, 6, 12, 24, 60]; // from SLOWEST to FASTEST

export class Bar {
  constructor(stage) {
    this.stage = stage;
    const named = (label) => ({ "aria-label": label, title: label });
    const step = (label, sign, event) =>
      button(icon(ICONS[sign]), () => stage.send(event), { class: sign, ...named(label) });
    this.play = step("Play", "play", { type: "toggle" });
    this.play.classList.add("primary");
    const listeners = { oninput: () => this.seek(), onchange: () => this.update() };
    this.slider = h("input", { type: "range", min: 0, step: "any", "aria-label": "Epoch", ...listeners });
    this.label = h("output", { class: "epoch" });
    const speeds = SPEEDS.map((speed) => h("option", { value: speed }, `${speed} ${speed === 1 ? "epoch" : "epochs"}/s`));
    const setSpeed = () => stage.set({ speed: Number(this.speed.value) });
    this.speed = h("select", { "aria-label": "Speed", onchange: setSpeed }, speeds);
    const setFollow = () => stage.send({ type: "follow", follow: this.live.ariaPressed !== "true" });
    this.live = button("live", setFollow, { class: "live", title: "Stay at the newest epoch" });
    this.arriving = h("span", { class: "quiet arriving", role: "status" });
    this.lack = h("span", { class: "quiet lack" });
    this.copied = h("span", { class: "quiet", role: "status" });
    this.again = button("Try again", () => stage.store.retry(), { class: "text" });
    this.copy = button("Copy link", () => this.copyLink(), { class: "text" });
    const present = () => stage.set({ presenter: !stage.state.presenter });
    this.present = button("Present", present, { name: "present", class: "text" });
    this.training = stage.ask && stage.told.may.includes("pause") ? new Training(stage) : null;
    const steps = [
      step("First epoch", "first", { type: "home" }),
      step("One epoch back", "back", { type: "step", by: -1 }),
      this.play,
      step("One epoch on", "on", { type: "step", by: 1 }),
      step("Last epoch", "last", { type: "end" }),
    ];
    const tools = h("span", { class: "tools" }, this.speed, this.copy, this.present);
    const unfold = () => (this.more.ariaExpanded = String(this.root.classList.toggle("unfolded")));
    this.more = button("⋯", unfold, { class: "more", "aria-label": "More" }); // on a small screen
    const parts = [this.slider, this.label, this.live, this.more, tools];
    const along = h("div", { class: "along" }, h("span", { class: "steps" }, steps), parts);
    const said = h("div", { class: "said" }, this.arriving, this.lack, this.again);
    const rows = [said, along, this.training?.root ?? null];
    this.root = h("div", { class: "bar", role: "group", "aria-label": "Epoch" }, rows);
  }

  /** Beyond the newest epoch there is nothing yet: whoever goes there stays at the end. */
  seek() {
    const { stage } = this;
    const { epochs } = stage.clock;
    const place = Math.round(this.slider.value);
    if (place >= epochs.length && stage.grows) stage.send({ type: "follow", follow: true });
    else stage.send({ type: "seek", epoch: epochs[Math.min(place, epochs.length - 1)] });
  }

  update() {
    const { stage } = this;
    const { clock, state, runs, planned } = stage;
    const { epoch } = position(clock);
    const last = clock.epochs.at(-1) ?? 0;
    const known = Math.max(0, clock.epochs.length - 1);
    const whole = known + Math.max(0, (planned ?? last) - last);
    this.slider.max = whole;
    this.slider.value = clock.at;
    this.slider.disabled = known < 1;
    const share = whole ? known / whole : 1;
    if (share !== this.share) this.slider.style.setProperty("--known", share);
    this.share = share;
    this.slider.ariaValueText = epoch === null ? "no epoch" : `epoch ${epoch} of ${planned ?? last}`;
    this.label.textContent = epoch === null ? "–" : `epoch ${epoch} / ${planned ?? last}`;
    if (clock.playing !== this.playing) {
      this.playing = clock.playing;
      this.play.replaceChildren(icon(ICONS[clock.playing ? "pause" : "play"]));
      this.play.title = this.play.ariaLabel = clock.playing ? "Pause" : "Play";
    }
    const off = (speed) => Math.abs(speed - clock.speed);
    this.speed.value = SPEEDS.reduce((best, speed) => (off(speed) < off(best) ? speed : best));
    this.live.ariaPressed = String(clock.follow && stage.grows);
    this.live.hidden = !stage.grows && !clock.follow;
    const { store, viewing } = stage;
    const late = runs.map((run) => stage.look(run, viewing)).find(({ waiting }) => waiting);
    this.arriving.textContent = store.away ?? (late ? `loading epoch ${late.epoch} …` : "");
    this.again.hidden = !store.away && !runs.some((run) => run.lack);
    const lack = runs.map((run) => [run.told.label, run.lack]).find(([, why]) => why);
    this.lack.textContent = lack && !store.away ? `${lack[0]}: ${lack[1]}` : "";
    this.lack.title = this.lack.textContent; // where there is no room for all of it
    this.present.textContent = state.presenter ? "Leave presenter view" : "Present";
    this.training?.update();
  }

  /** Copy the page's address, as others reach it; where this machine alone does, say so. */
  async copyLink() {
    this.stage.writeAddress();
    const { origin } = this.stage.told;
    const isHere = /^(localhost|.*\.localhost|127\..*|\[::1\])$/.test(location.hostname);
    const link = isHere && origin ? location.href.replace(location.origin, origin) : location.href;
    const copied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
    this.copy.textContent = copied ? "Copied" : "The address bar has it";
    this.copied.textContent = isHere && !origin ? HERE_ALONE : "";
    setTimeout(() => ((this.copy.textContent = "Copy link"), (this.copied.textContent = "")), 4000);
  }
}
