// The presenter's desk: where the class comes in, who is here, the question to it, and how the machine is.

import { histogram } from "../classroom/histogram.js";
import { mounting } from "../mounting.js";
import { button, h } from "../stage/core/dom.js";
import { asker, fetchFrom, json } from "../stage/core/server.js";
import { plural } from "../stage/core/words.js";

const POLL = 1000; // milliseconds
const MOST_LISTED = 4; // runs of the queue
const HERE_ALONE = "Only this machine reaches this address: `make classroom` opens one for the network.";
const RESET = "Ends presenting and the question, lets viewers start no more races, and counts anew who is here. Runs and answers stay.";
const RACES = "Small ones that New race offers, one at a time and only while nothing of yours waits.";
const gigabytes = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GB free`;

class Desk {
  constructor(host, { prefix, door, shared }) {
    Object.assign(this, { fetchBytes: fetchFrom(prefix), ask: asker(prefix) });
    this.here = h("p", { class: "here", role: "status" });
    this.fault = h("p", { class: "fault", role: "alert" });
    this.question = h("section", { "aria-label": "Question" });
    this.machine = h("dl");
    this.races = button("Viewers may start races", () => this.demand("open-races", { open: !this.isOpen }), { title: RACES });
    const answers = new URL(`${prefix}/class/answers.csv`, document.baseURI).href;
    const entrance = [
      h("img", { src: door.code, alt: `QR code of ${door.link}` }),
      h("p", { class: "address" }, door.short),
      ...(shared ? [] : [h("p", { class: "quiet" }, HERE_ALONE)]),
    ];
    const reset = button("Reset for the next class", () => this.demand("reset-class"));
    const csv = h("a", { href: answers, download: "answers.csv" }, "Answers as CSV");
    const rows = [[this.races, csv], [reset]].map((parts) => h("div", { class: "controls" }, parts));
    const below = [...rows, h("p", { class: "note" }, RESET)];
    const beside = [this.here, this.question, this.fault, this.machine, below];
    host.replaceChildren(h("div", { class: "entrance" }, entrance), h("div", {}, beside.flat()));
    this.form = this.asking();
    this.polling = setInterval(() => document.hidden || this.poll(), POLL);
    this.poll();
  }

  tell() {}

  asking() {
    const question = h("input", { type: "text", maxlength: 200, "aria-label": "Question", placeholder: "Ask the class" });
    const choices = h("textarea", { rows: 4, "aria-label": "Choices", placeholder: "Choices, 2 to 6, one a line" });
    const send = async (event) => {
      event.preventDefault();
      const lines = choices.value.split("\n").filter((line) => line.trim());
      const done = await this.demand("ask", { question: question.value, choices: lines });
      if (done) question.value = choices.value = "";
    };
    return h("form", { onsubmit: send }, question, choices, h("button", { class: "primary" }, "Ask"));
  }

  async demand(verb, args = {}) {
    const fault = await this.ask(verb, args).then(() => null, ({ message }) => message);
    this.fault.textContent = fault ?? "";
    this.poll();
    return fault === null;
  }

  async poll() {
    const asked = (this.asked = {});
    const answers = await Promise.all(["class", "class/desk"].map(this.fetchBytes)).catch(() => null);
    if (!answers || asked !== this.asked) return;
    const [{ how, poll }, desk] = answers.map(json);
    const { following, exploring } = desk;
    this.isOpen = desk.races;
    this.races.ariaPressed = String(desk.races);
    const doing = how === "off" ? "" : ` · ${following} following · ${exploring} looking around`;
    this.here.replaceChildren(h("b", {}, String(following + exploring)), ` here${doing}`);
    this.show(poll, desk.answers);
    this.tellMachine(desk);
  }

  /** The question before the class, with how many have answered; what, once that is revealed. */
  show(poll, answers) {
    const text = JSON.stringify([poll, answers]);
    if (text === this.text) return;
    this.text = text;
    if (!poll) return this.question.replaceChildren(this.form);
    const count = answers.reduce((sum, each) => sum + each, 0);
    const close = button("Take away", () => this.demand("close", { poll: poll.id }));
    const reveal = button("Reveal", () => this.demand("reveal", { poll: poll.id }), { class: "primary" });
    const choices = h("ul", { class: "choices" }, poll.choices.map((choice) => h("li", {}, choice)));
    const told = h("b", {}, plural(count, "answer"));
    const buttons = h("div", { class: "controls" }, told, poll.counts ? [] : [reveal], close);
    this.question.replaceChildren(h("h2", {}, poll.question), poll.counts ? histogram(poll) : choices, buttons);
  }

  tellMachine({ queue, worker, hands, disk_free: disk, memory_free: memory, gpu }) {
    const listed = queue.slice(0, MOST_LISTED).map(({ name, viewers, state, progress }) => {
      return `${name}${viewers ? " (viewers)" : ""}: ${state === "running" ? `${Math.round(100 * progress)} %` : state}`;
    });
    if (queue.length > MOST_LISTED) listed.push(`and ${queue.length - MOST_LISTED} more`);
    const rows = {
      Queue: listed.join(" · ") || "empty",
      Worker: worker.alive ? `alive, ${plural(hands, "run")} in hand` : (worker.failure ?? "none; training starts one"),
      Disk: gigabytes(disk),
      Memory: gigabytes(memory),
      ...(gpu && { GPU: gpu }),
    };
    const text = JSON.stringify(rows);
    if (text === this.told) return;
    this.told = text;
    const lines = Object.entries(rows).flatMap(([name, words]) => [h("dt", {}, name), h("dd", {}, words)]);
    this.machine.replaceChildren(...lines);
  }

  remove() {
    clearInterval(this.polling);
    this.asked = null;
  }
}

const mount = mounting(".bcl-desk", (...given) => new Desk(...given));
export { mount as default };
