// The bar that every picture hangs on: which epoch, how fast, whether it follows a run that is trained.

import { FASTEST, SLOWEST, position } from "./clock.js";
import { h, icon } from "./dom.js";

const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M12 3v10L4 8z",
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  on: "M4 3v10l8-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
};
const SPEEDS = [0.5, 1, 2, 4, 6, 12, 24, 60].filter((speed) => speed >= SLOWEST && speed <= FASTEST);

export class Scrubber {
  constructor(stage) {
    this.stage = stage;
    const button = (label, sign, event) => {
      const attributes = { type: "button", "aria-label": label, title: label, onclick: () => stage.send(event) };
      return h("button", attributes, icon(ICONS[sign]));
    };
    this.play = button("Play", "play", { type: "toggle" });
    this.play.classList.add("primary");
    const listeners = { oninput: () => this.seek(), onchange: () => this.update() };
    this.slider = h("input", { type: "range", min: 0, step: "any", "aria-label": "Epoch", ...listeners });
    this.label = h("output", { class: "epoch" });
    const speeds = SPEEDS.map((speed) => h("option", { value: speed }, `${speed} epochs/s`));
    const setSpeed = () => stage.set({ speed: Number(this.speed.value) });
    this.speed = h("select", { "aria-label": "Speed", onchange: setSpeed }, speeds);
    const setFollow = () => stage.send({ type: "follow", follow: this.follow.checked });
    this.follow = h("input", { type: "checkbox", onchange: setFollow });
    this.following = h("label", { class: "toggle" }, this.follow, h("span", {}, "follow live"));
    this.arriving = h("span", { class: "quiet" });
    this.lack = h("span", { class: "quiet lack" });
    this.again = h("button", { type: "button", class: "text", onclick: () => stage.store.retry() }, "Try again");
    this.copy = h("button", { type: "button", class: "text", onclick: () => this.copyLink() }, "Copy link");
    const present = () => stage.set({ presenter: !stage.state.presenter });
    this.present = h("button", { type: "button", name: "present", class: "text", onclick: present });
    this.root = h(
      "div",
      { class: "scrubber", role: "group", "aria-label": "Epoch" },
      button("First epoch", "first", { type: "home" }),
      button("One epoch back", "back", { type: "step", by: -1 }),
      this.play,
      button("One epoch on", "on", { type: "step", by: 1 }),
      button("Last epoch", "last", { type: "end" }),
      this.slider,
      this.label,
      this.speed,
      this.following,
      this.arriving,
      this.lack,
      this.again,
      h("span", { class: "grow" }),
      this.copy,
      this.present,
    );
  }

  seek() {
    const { epochs } = this.stage.clock;
    this.stage.send({ type: "seek", epoch: epochs[Math.round(this.slider.value)] });
  }

  update() {
    const { clock, state, runs } = this.stage;
    const { epoch } = position(clock);
    const last = clock.epochs.at(-1) ?? 0;
    this.slider.max = Math.max(0, clock.epochs.length - 1);
    this.slider.value = clock.at;
    this.slider.disabled = clock.epochs.length < 2;
    this.slider.ariaValueText = epoch === null ? "no epoch" : `epoch ${epoch} of ${last}`;
    this.label.textContent = epoch === null ? "–" : `epoch ${epoch} / ${last}`;
    if (clock.playing !== this.playing) {
      this.playing = clock.playing;
      this.play.replaceChildren(icon(ICONS[clock.playing ? "pause" : "play"]));
      this.play.title = this.play.ariaLabel = clock.playing ? "Pause" : "Play";
    }
    const off = (speed) => Math.abs(speed - clock.speed);
    this.speed.value = SPEEDS.reduce((best, speed) => (off(speed) < off(best) ? speed : best));
    this.follow.checked = clock.follow;
    this.following.hidden = !runs.some((run) => run.active) && !clock.follow;
    const { store, viewing } = this.stage;
    const late = runs.map((run) => this.stage.look(run, viewing)).find(({ waiting }) => waiting);
    this.arriving.textContent = store.away ?? (late ? `loading epoch ${late.epoch} …` : "");
    this.again.hidden = !store.away && !runs.some((run) => run.lack);
    const lack = runs.map((run) => [run.told.label, run.lack]).find(([, why]) => why);
    this.lack.textContent = lack && !store.away ? `${lack[0]}: ${lack[1]}` : "";
    this.lack.title = this.lack.textContent; // where there is no room for all of it
    this.present.textContent = state.presenter ? "Leave presenter view" : "Present";
  }

  async copyLink() {
    this.stage.writeAddress();
    const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    this.copy.textContent = copied ? "Copied" : "The address bar has it";
    setTimeout(() => (this.copy.textContent = "Copy link"), 2000);
  }
}
