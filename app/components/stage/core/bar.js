// The bar that every picture hangs on: which epoch, how fast, how far training has come, and what steers it.

import { FASTEST, SLOWEST, position } from "./clock.js";
import { h, icon } from "./dom.js";
import { Training } from "./training.js";

const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M12 3v10L4 8z",
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  on: "M4 3v10l8-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
};
const SPEEDS = [0.5, 1, 2, 4, 6, 12, 24, 60].filter((speed) => speed >= SLOWEST && speed <= FASTEST);

export class Bar {
  constructor(stage) {
    this.stage = stage;
    const button = (label, sign, event) => {
      const named = { type: "button", class: sign, "aria-label": label, title: label };
      return h("button", { ...named, onclick: () => stage.send(event) }, icon(ICONS[sign]));
    };
    this.play = button("Play", "play", { type: "toggle" });
    this.play.classList.add("primary");
    const listeners = { oninput: () => this.seek(), onchange: () => this.update() };
    this.slider = h("input", { type: "range", min: 0, step: "any", "aria-label": "Epoch", ...listeners });
    this.label = h("output", { class: "epoch" });
    const speeds = SPEEDS.map((speed) => h("option", { value: speed }, `${speed} epochs/s`));
    const setSpeed = () => stage.set({ speed: Number(this.speed.value) });
    this.speed = h("select", { "aria-label": "Speed", onchange: setSpeed }, speeds);
    const setFollow = () => stage.send({ type: "follow", follow: this.live.ariaPressed !== "true" });
    const stay = { type: "button", class: "live", title: "Stay at the newest epoch" };
    this.live = h("button", { ...stay, onclick: setFollow }, "live");
    this.arriving = h("span", { class: "quiet arriving", role: "status" });
    this.lack = h("span", { class: "quiet lack" });
    this.again = h("button", { type: "button", class: "text", onclick: () => stage.store.retry() }, "Try again");
    this.copy = h("button", { type: "button", class: "text", onclick: () => this.copyLink() }, "Copy link");
    const present = () => stage.set({ presenter: !stage.state.presenter });
    this.present = h("button", { type: "button", name: "present", class: "text", onclick: present });
    this.training = stage.ask && stage.told.steer ? new Training(stage) : null;
    const steps = [
      button("First epoch", "first", { type: "home" }),
      button("One epoch back", "back", { type: "step", by: -1 }),
      this.play,
      button("One epoch on", "on", { type: "step", by: 1 }),
      button("Last epoch", "last", { type: "end" }),
    ];
    this.tools = h("span", { class: "tools" }, this.speed, this.copy, this.present);
    const unfold = { type: "button", class: "more", "aria-label": "More" };
    this.more = h("button", { ...unfold, onclick: () => this.unfold() }, "⋯");
    const parts = [this.slider, this.label, this.live, this.more, this.tools];
    const along = h("div", { class: "along" }, h("span", { class: "steps" }, steps), parts);
    const said = h("div", { class: "said" }, this.arriving, this.lack, this.again);
    const rows = [said, along, ...(this.training ? [this.training.root] : [])];
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

  /** On a small screen, show what else there is. */
  unfold() {
    this.more.ariaExpanded = String(this.root.classList.toggle("unfolded"));
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

  async copyLink() {
    this.stage.writeAddress();
    const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    this.copy.textContent = copied ? "Copied" : "The address bar has it";
    setTimeout(() => (this.copy.textContent = "Copy link"), 2000);
  }
}
