// What a reader has guessed, kept in the browser. No DOM, so that it can be tested.

const KEY = "bcl-lessons";
export const SKIPPED = "skipped"; // the answer was looked at without a guess
export const PASSED = "passed"; // a step that asks nothing

export class Progress {
  /** @param {?Storage} storage such as localStorage; null, or one that refuses: kept as long as the page */
  constructor(storage) {
    this.storage = storage;
    this.guesses = {};
    try {
      const kept = JSON.parse(storage?.getItem(KEY) ?? "{}");
      if (kept && typeof kept === "object") this.guesses = kept;
    } catch {
      // Written by somebody else, or not to be read here: begun anew.
    }
  }

  /** The guess at a step: a choice's place, a value, SKIPPED, PASSED; undefined before. */
  at(lesson, step) {
    return this.guesses[`${lesson}.${step}`];
  }

  set(lesson, step, guess) {
    if (guess === undefined) delete this.guesses[`${lesson}.${step}`];
    else this.guesses[`${lesson}.${step}`] = guess;
    try {
      this.storage?.setItem(KEY, JSON.stringify(this.guesses));
    } catch {
      // Full, or refused: it lasts as long as the page.
    }
  }

  /** How many questions of a lesson were answered. */
  done(lesson) {
    const isAnswer = ([name, guess]) => name.startsWith(`${lesson}.`) && guess !== PASSED;
    return Object.entries(this.guesses).filter(isAnswer).length;
  }
}

/** The browser's own store; null where it is refused. */
export function browserStorage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
