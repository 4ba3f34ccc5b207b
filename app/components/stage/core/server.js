// The server that the page came from: what it answers, and that it does not.

export const UNREACHED = [502, 503, 504]; // what proxies answer in a server's place

/** The server did not answer at all; it is asked again. */
export class Away extends Error {}

/** Fetch from the server that the page came from. @param {string} prefix such as "bcl/v1" */
export function fetchFrom(prefix) {
  return (path) => answerOf(`${prefix}/${path}`);
}

async function answerOf(path, request) {
  const lost = () => Promise.reject(new Away("The server does not answer."));
  const answer = await fetch(new URL(path, document.baseURI), request).catch(lost);
  if (UNREACHED.includes(answer.status)) return lost();
  if (answer.ok) return answer.arrayBuffer().catch(lost); // lost in the middle of its answer
  const { error } = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
  throw new Error(sentence(error));
}

export function json(bytes) {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** What the lab says is wrong, as a sentence that stands alone. */
export function sentence(text) {
  const begun = /^\S+\.\S/.test(text) ? text : `${text[0].toUpperCase()}${text.slice(1)}`; // files keep their names
  return begun.replace(/[.!?]?$/, (end) => end || ".");
}

/** Ask for deeds at the server that the page came from, as app/verbs.py has them; what it refuses is thrown. */
export function asker(prefix) {
  return async (verb, args = {}) => {
    const numbers = crypto.getRandomValues(new Uint32Array(3)); // randomUUID is for pages by https alone
    const key = Array.from(numbers, (number) => number.toString(36).padStart(7, "0")).join("-");
    const body = JSON.stringify({ verb, ...args, key });
    const request = { method: "POST", headers: { "Content-Type": "application/json" }, body };
    return json(await answerOf(`${prefix}/do`, request)).answer;
  };
}
