// A question to the class: its choices, until one is chosen; what was answered, once that is revealed.

import { button, h } from "../stage/core/dom.js";
import { histogram } from "./histogram.js";

const CHOSEN = "bcl-answer-"; // in the tab's memory, by question
const PUT = "bcl-aside"; // there, too: what of which question was hidden last

export class Question {
  constructor(ask) {
    this.ask = ask;
    this.root = h("section", { class: "question", "aria-label": "Question", hidden: true });
  }

  /** @param {?Object} poll the question before the class: see `Question` in contract.js */
  hear(poll) {
    const text = JSON.stringify([poll, this.chosen(poll), this.put]);
    if (text === this.text) return;
    Object.assign(this, { text, poll });
    this.root.hidden = !poll || this.put === stage(poll);
    if (!this.root.hidden) this.root.replaceChildren(h("h2", {}, poll.question), ...this.parts(poll));
  }

  get put() {
    return sessionStorage.getItem(PUT);
  }

  parts(poll) {
    const chosen = this.chosen(poll);
    if (poll.counts) return [histogram(poll, chosen), this.aside(poll)];
    if (chosen !== null) {
      const said = `You answered: ${poll.choices[chosen]}. What all answered is shown when the teacher reveals it.`;
      return [h("p", { role: "status" }, said), this.aside(poll)];
    }
    this.fault = h("p", { class: "fault", role: "alert" });
    const choices = poll.choices.map((choice, i) => button(choice, () => this.choose(poll, i)));
    return [h("div", { class: "choices" }, choices), this.fault];
  }

  chosen(poll) {
    const kept = poll && sessionStorage.getItem(CHOSEN + poll.id);
    return kept === null ? null : Number(kept);
  }

  async choose(poll, i) {
    try {
      const { choice } = await this.ask("answer", { poll: poll.id, choice: i });
      sessionStorage.setItem(CHOSEN + poll.id, String(choice));
      this.hear(this.poll);
    } catch ({ message }) {
      this.fault.textContent = message;
    }
  }

  aside(poll) {
    return button("Hide", () => (sessionStorage.setItem(PUT, stage(poll)), this.hear(this.poll)), { class: "hide" });
  }
}

function stage({ id, counts }) {
  return `${id} ${counts ? "revealed" : "open"}`;
}
