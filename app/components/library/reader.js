// All runs, as the server lists them; fetched anew only where something has changed.

import { Away, UNREACHED, sentence } from "../stage/core/server.js";

/**
 * @param {string} prefix such as "bcl/v1"
 * @returns {(now: boolean) => Promise<?Library>} null where nothing has changed since the last answer, or a later
 *   question was answered first; rejects with a sentence, and with Away where nobody answers
 */
export function reader(prefix) {
  let etag = ""; // of what was handed over last: of an answer that was not, the next one would say that nothing is new
  let asked = 0;
  let answered = 0; // the latest of the questions that was
  return async (now) => {
    const mine = ++asked;
    const headers = etag ? { "If-None-Match": etag } : {};
    const address = new URL(`${prefix}/runs${now ? "?now" : ""}`, document.baseURI);
    const answer = await fetch(address, { headers, cache: "no-store" }).catch(() => null);
    if (!answer || UNREACHED.includes(answer.status)) throw new Away();
    const isKnown = answer.status === 304;
    const told = isKnown || (await answer.json().catch(() => ({ error: `the server answered ${answer.status}` })));
    if (mine < answered) return null;
    answered = mine;
    if (isKnown) return null;
    if (!answer.ok) throw new Error(sentence(told.error));
    etag = answer.headers.get("ETag") ?? "";
    return told;
  };
}
