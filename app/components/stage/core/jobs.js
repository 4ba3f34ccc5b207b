// Side jobs of the lab: asked for, and followed until they end.

import { Away } from "./server.js";

const POLL = 500; // milliseconds between two questions how a job stands
const PATIENCE = 2000; // where it waits for others, or the server is away

/**
 * Tell how a job stands until it has ended. One that waits for others to end is asked for again.
 *
 * @param {(job: ?string) => Promise<{job: string}>} ask for it, or again for this one
 * @param {(path: string) => Promise<Object>} read a JSON document
 * @param {(job: ?string, state: JobState) => Promise<void>|void} tell
 * @param {{aborted: boolean}} signal ends the telling; the job goes on
 */
export async function follow(ask, read, tell, signal) {
  let [job, state] = [null, "unknown"];
  while (!signal.aborted && state !== "done" && state !== "failed") {
    let patience = POLL;
    try {
      if (state === "unknown") ({ job } = await ask(job));
      const found = await read(`jobs/${job}`);
      if (signal.aborted) return;
      await tell(job, found);
      ({ state } = found);
      if (state === "unknown") patience = PATIENCE;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Away)) throw error;
      await tell(job, { state: "running", progress: error.message, error: "" });
      patience = PATIENCE;
    }
    await new Promise((done) => setTimeout(done, patience));
  }
}
