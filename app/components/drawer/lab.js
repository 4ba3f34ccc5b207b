// What the drawer asks of the lab: a deed, and how a side job stands.

import { Away, asker, fetchFrom } from "../stage/core/server.js";

const POLL = 500; // milliseconds between two questions how a job stands
const PATIENCE = 2000; // where it waits for others, or the server is away

/** The lab behind a server. @param {string} prefix such as "bcl/v1" */
export class Lab {
  constructor(prefix) {
    this.prefix = prefix;
    this.fetchBytes = fetchFrom(prefix);
    this.ask = asker(prefix);
  }

  /** A JSON document. */
  async read(path) {
    return JSON.parse(new TextDecoder().decode(await this.fetchBytes(path)));
  }

  /** A file of a job, as an address for an image; `stamp` tells one making of it from the next. */
  picture(job, name, stamp) {
    return new URL(`${this.prefix}/jobs/${job}/${name}?made=${stamp}`, document.baseURI).href;
  }

  /**
   * Look at data, or at the views of one image, and tell how the job stands until it has ended.
   *
   * @param {{recipe: Object, execution: Object, image: ?number, again: boolean}} what
   * @param {(job: string, state: JobState) => Promise<void>|void} tell
   * @param {{aborted: boolean}} signal ends the telling; the job goes on
   */
  async look(what, tell, signal) {
    let job = null;
    let isWaiting = true; // for the job to start
    while (!signal.aborted) {
      try {
        if (isWaiting) job = (await this.ask("look", job ? { ...what, again: false } : what)).job;
        const state = await this.read(`jobs/${job}`);
        if (signal.aborted) return;
        isWaiting = state.state === "unknown";
        await tell(job, state);
        if (state.state === "done" || state.state === "failed") return;
        await pause(isWaiting ? PATIENCE : POLL);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Away)) throw error;
        await tell(job, { state: "running", progress: error.message, error: "" });
        await pause(PATIENCE);
      }
    }
  }
}

function pause(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}
