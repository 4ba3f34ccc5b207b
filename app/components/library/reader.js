// All runs, as the server lists them; fetched anew only where something has changed.

import { Away, UNREACHED, sentence } from "../stage/core/server.js";

/**
 * @param {string} prefix such as "bcl/v1"
 * @returns {(now: boolean) => Promise<?Library>} null where nothing has changed since the last answer; rejects with a
 *   sentence, and with Away where nobody answers
 */
export function reader(prefix) {
  let etag = "";
  return async (now) => {
    const headers = etag ? { "If-None-Match": etag } : {};
    const address = new URL(`${prefix}/runs${now ? "?now" : ""}`, document.baseURI);
    const answer = await fetch(address, { headers, cache: "no-store" }).catch(() => null);
    if (!answer || UNREACHED.includes(answer.status)) throw new Away();
    if (answer.status === 304) return null;
    const told = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
    if (!answer.ok) throw new Error(sentence(told.error));
    etag = answer.headers.get("ETag") ?? "";
    return told;
  };
}
