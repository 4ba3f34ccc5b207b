// What the drawer asks of the lab: a look at data, and what it has found.

import { follow } from "../jobs.js";
import { asker, fetchFrom } from "../stage/core/server.js";

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
  look(what, tell, signal) {
    return follow(this, "look", what, tell, signal, { ...what, again: false });
  }
}
