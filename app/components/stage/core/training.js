// How far training has come, and what steers it: pause, step, resume and stop, of all that is shown or of a run.

import { button, h, icon } from "./dom.js";
import { sum } from "./geometry.js";
import { sentence } from "./server.js";
import { duration } from "./words.js";

const STEERABLE = ["queued", "running", "paused", "stopped", "failed"];
const isActive = ({ active }) => active;
const isHeld = ({ active, pulse }) => !active || pulse.holds_at !== null;
// Verb, word, what it does, sign, and of which runs it makes sense.
const VERBS = [
  ["pause", "Pause", "Pause training", "M4 3h3v10H4zM9 3h3v10H9z", isMoving],
  ["step", "Step", "Train one epoch", "M4 2.5v11l6-5.5zM11 3h2v10h-2z", isActive],
  ["resume", "Resume", "Resume training", "M4 2.5v11l9-5.5z", isHeld],
  ["stop", "Stop", "Stop training", "M3.5 3.5h9v9h-9z", isActive],
];
const WHOLE = "all";
const MEASURED = "imported and measured, not trained here";
const IDLE = "No worker is running, so nothing trains.";

export class Training {
  constructor(stage) {
    this.stage = stage;
    this.said = h("output", { class: "progress" });
    this.fault = h("span", { class: "fault", role: "alert" });
    this.target = h("select", { "aria-label": "What is steered", onchange: () => this.update() });
    this.buttons = VERBS.map(([verb, word, title, sign]) => {
      return button([icon(sign), h("span", {}, word)], () => this.steer(verb), { name: `train-${verb}`, title });
    });
    this.start = button("Start the worker", () => this.demand("start-worker"), { name: "start-worker" });
    const steps = h("span", { class: "steering", role: "group", "aria-label": "Training" }, this.target, this.buttons);
    this.root = h("div", { class: "training" }, this.said, this.start, this.fault, steps);
  }

  /** Runs that this lab trains and that are not finished. */
  get steerable() {
    return this.stage.store.runs.filter(({ about, state }) => about?.switches && STEERABLE.includes(state));
  }

  get meant() {
    const { steerable } = this;
    const one = steerable.find(({ told }) => told.id === this.target.value);
    return one ? [one] : steerable;
  }

  update() {
    const { steerable, stage } = this;
    this.root.hidden = !steerable.length;
    if (this.root.hidden) return;
    this.offer(steerable);
    const { meant } = this;
    this.buttons.forEach((verb, i) => (verb.disabled = this.busy || !meant.some(VERBS[i][4])));
    const { worker } = stage.store;
    const isIdle = worker && !worker.alive && steerable.some(isMoving);
    this.start.hidden = !isIdle;
    const ended = worker?.failure ? `${sentence(worker.failure)} ` : "";
    this.said.textContent = isIdle ? `${ended}${IDLE}` : inWords(meant);
  }

  /** The menu of what is steered, made anew when there are others. */
  offer(steerable) {
    const names = steerable.map(({ told }) => [told.id, told.label]);
    const text = names.join();
    this.target.hidden = names.length < 2;
    if (text === this.offered) return;
    this.offered = text;
    const selected = this.target.value;
    const items = [[WHOLE, "the whole race"], ...names];
    const options = items.map(([value, label]) => h("option", { value, selected: value === selected }, label));
    this.target.replaceChildren(...options); // the first, where the chosen one is gone
  }

  async steer(verb) {
    const { meant } = this;
    const isWhole = this.target.value === WHOLE && meant.length > 1;
    const targets = isWhole ? new Set(meant.map(({ pulse }) => pulse.group)) : [meant[0].told.id];
    for (const target of targets) await this.demand(verb, { target });
  }

  /** Ask, and look at once what has come of it; a refusal is said. */
  async demand(verb, args = {}) {
    const { stage } = this;
    this.fault.textContent = "";
    this.busy = true;
    this.update();
    await stage.ask(verb, args).catch(({ message }) => (this.fault.textContent = message));
    this.busy = false;
    await stage.store.ask(stage.store.runs);
    stage.mark("frame");
  }
}

/** Whether nothing holds it back. */
function isMoving({ active, pulse, epochs }) {
  return active && (pulse.holds_at === null || (epochs.at(-1) ?? -1) < pulse.holds_at);
}

/** "training · epoch 12 of 60 · about 14 s left": where the runs are, what they do, and for how long. */
function inWords(runs) {
  if (runs.every(({ isMeasured }) => isMeasured)) return MEASURED;
  const at = placeOf(runs);
  const moving = runs.filter(isMoving);
  const states = new Set(runs.map(({ state, active }) => (active ? "paused" : state))); // in a moment, where not yet
  if (!moving.length) return `${[...states].join(" and ")} ${at.startsWith("epoch") ? "at" : "with"} ${at}`;
  const waiting = moving.map(({ pulse }) => pulse.queue);
  if (waiting.every((queue) => queue?.races)) return queued(waiting[0]);
  if (moving.every(({ state }) => state === "queued")) return `about to start · ${at}`;
  const noted = moving.find(({ pulse }) => pulse.note)?.pulse.note;
  return ["training", at, noted ?? until(moving)].filter(Boolean).join(" · ");
}

/** "epoch 12 of 60", of those that have begun. */
function placeOf(runs) {
  const lasts = runs.filter(({ epochs }) => epochs.length).map(({ epochs }) => epochs.at(-1));
  if (!lasts.length) return "no epoch yet";
  const [least, most] = [Math.min(...lasts), Math.max(...lasts)];
  const planned = Math.max(...runs.map(({ pulse }) => pulse.planned));
  return `${least === most ? `epoch ${most}` : `epochs ${least} to ${most}`} of ${planned}`;
}

/** How long they will train: to the epoch at which they are to hold, or for so much time. */
function until(moving) {
  const holds = moving.map(({ pulse }) => pulse.holds_at);
  if (!holds.includes(null)) return `to epoch ${Math.max(...holds)}`;
  const left = moving.map(({ pulse }) => pulse.seconds_left);
  return left.includes(null) ? null : `about ${duration(Math.max(1, sum(left)))} left`;
}

function queued({ races, seconds }) {
  const behind = `queued behind ${races === 1 ? "one race" : `${races} races`}`;
  return seconds === null ? behind : `${behind}, about ${duration(Math.max(1, seconds))}`;
}
