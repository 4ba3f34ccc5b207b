// Side jobs of the lab: asked for, and followed until they end.

import { Away, json } from "./server.js";

const POLL = 500; // milliseconds between two questions how a job stands
const PATIENCE = 2000; // where it waits for others, or the server is away

/**
 * Tell how a job stands until it has ended. One that waits for others to end is asked for again.
 *
 * @param {(job: ?string) => Promise<{job: string}>} ask for it, or for this one again
 * @param {(path: string) => Promise<ArrayBuffer>} fetchBytes
 * @param {(state: JobState, job: ?string) => Promise<void>|void} tell
 * @param {{aborted: boolean}} signal ends the telling; the job goes on
 */
export async function follow(ask, fetchBytes, tell, signal) {
  let [job, isWaiting] = [null, true]; // for the job to start
  while (!signal.aborted) {
    let patience = PATIENCE;
    try {
      if (isWaiting) ({ job } = await ask(job));
      const state = json(await fetchBytes(`jobs/${job}`));
      if (signal.aborted) return;
      isWaiting = state.state === "unknown";
      await tell(state, job);
      if (state.state === "done" || state.state === "failed") return;
      if (!isWaiting) patience = POLL;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Away)) throw error;
      await tell({ state: "running", progress: error.message, error: "" }, job);
    }
    await new Promise((done) => setTimeout(done, patience));
  }
}
