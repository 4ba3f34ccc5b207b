// A side job of the lab: asked for, and followed until it has ended.

import { Away } from "./stage/core/server.js";

const POLL = 500; // milliseconds between two questions how a job stands
const PATIENCE = 2000; // where it waits for others, or the server is away

/**
 * Have a side job done, and tell how it stands until it has ended.
 *
 * @param {{ask: Function, fetchBytes: Function}} lab as `asker` and `fetchFrom` make them
 * @param {string} verb that answers {job} @param {Object} args
 * @param {(job: ?string, state: JobState) => Promise<void>|void} tell
 * @param {{aborted: boolean}} signal ends the telling; the job goes on
 * @param {Object} later the arguments where it is asked for again, since others left it no room
 */
export async function follow({ ask, fetchBytes }, verb, args, tell, signal, later = args) {
  let job = null;
  let isWaiting = true; // for the job to start
  while (!signal.aborted) {
    try {
      if (isWaiting) job = (await ask(verb, job ? later : args)).job;
      const state = JSON.parse(new TextDecoder().decode(await fetchBytes(`jobs/${job}`)));
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

function pause(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}
