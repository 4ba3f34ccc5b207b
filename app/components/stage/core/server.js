// The server that the page came from: what it answers, and that it does not.

export const NO_ANSWER = "The server does not answer.";
export const UNREACHED = [502, 503, 504]; // what proxies answer in a server's place

/** The server did not answer at all; it is asked again. */
export class Away extends Error {}

/** Fetch from the server that the page came from. @param {string} prefix such as "bcl/v1" */
export function fetchFrom(prefix) {
  return async (path) => {
    const answer = await fetch(new URL(`${prefix}/${path}`, document.baseURI)).catch(() => null);
    if (!answer || UNREACHED.includes(answer.status)) throw new Away(NO_ANSWER);
    const lost = () => Promise.reject(new Away(NO_ANSWER)); // in the middle of its answer
    if (answer.ok) return answer.arrayBuffer().catch(lost);
    const { error } = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
    throw new Error(sentence(error));
  };
}

/** What the lab says is wrong, as a sentence that stands alone. */
export function sentence(text) {
  const begun = /^\S+\.\S/.test(text) ? text : `${text[0].toUpperCase()}${text.slice(1)}`; // files keep their names
  return begun.replace(/[.!?]?$/, (end) => end || ".");
}

/**
 * Ask for deeds, such as pause, at the server that the page came from; see app/verbs.py for them.
 *
 * @param {string} prefix such as "bcl/v1"
 * @returns {(verb: string, args: Object) => Promise<any>} what the verb answers; rejects with a sentence
 */
export function asker(prefix) {
  return async (verb, args = {}) => {
    const numbers = crypto.getRandomValues(new Uint32Array(3)); // randomUUID is for pages by https alone
    const key = Array.from(numbers, (number) => number.toString(36).padStart(7, "0")).join("-");
    const request = { method: "POST", headers: { "Content-Type": "application/json" } };
    const body = JSON.stringify({ verb, ...args, key });
    const answer = await fetch(new URL(`${prefix}/do`, document.baseURI), { ...request, body }).catch(() => null);
    if (!answer) throw new Away(NO_ANSWER);
    const said = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
    if (!answer.ok) throw new Error(sentence(said.error));
    return said.answer;
  };
}
