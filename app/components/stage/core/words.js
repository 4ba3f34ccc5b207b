// Numbers as people say them; as app/words.py does.

/** A length of time, to two digits or so. */
export function duration(seconds) {
  for (const [from, size, unit] of [[172800, 86400, "days"], [5400, 3600, "h"], [90, 60, "min"]]) {
    if (seconds < from) continue;
    const amount = seconds / size;
    return `${amount.toFixed(amount < 10 && unit !== "min" ? 1 : 0)} ${unit}`;
  }
  return seconds >= 1 ? `${seconds.toFixed(0)} s` : `${(1000 * seconds).toFixed(0)} ms`;
}

/** An amount of memory given in bytes. */
export function memory(size) {
  for (const [unit, bytes] of [["kB", 1e3], ["MB", 1e6]]) {
    if (size / bytes < 1000) return `${(size / bytes).toFixed(0)} ${unit}`;
  }
  return `${(size / 1e9).toFixed(1)} GB`;
}

/** Names with commas, the first ones of many. */
export function listed(names, atMost = 10) {
  const more = names.length - atMost;
  return names.slice(0, atMost).join(", ") + (more > 0 ? ` and ${whole(more)} more` : "");
}

export function plural(count, thing, things = `${thing}s`) {
  return `${whole(count)} ${count === 1 ? thing : things}`;
}

export function whole(count) {
  return count.toLocaleString("en-US");
}

/** Which batches a prediction is for. @param {?number} size in images; null: all of them */
export function batches(size) {
  return size === null ? "one batch of everything" : `batches of ${whole(size)}`;
}

/** What a prediction is of. @param {Predicted} predicted */
export function batchesOf({ batch, tied }) {
  return `${batches(batch)}${tied ? ", without free prototypes" : ""}`;
}

/** What is predicted, and for which batches. @param {Predicted} predicted */
export function optimumFor(predicted) {
  return `optimum predicted for ${batchesOf(predicted)}`;
}

/** The same of runs together; where the batches differ, Formation says of each run for which. */
export function optimumOf(runs) {
  const known = new Set(runs.flatMap(({ classes }) => (classes?.predicted ? [optimumFor(classes.predicted)] : [])));
  return known.size === 1 ? [...known][0] : "optimum predicted for batches that differ from run to run";
}

/** Under which term the glossary explains it. */
export function termOf(runs) {
  const isTied = runs.some(({ classes }) => classes?.predicted?.tied);
  return `predicted optimum${isTied ? ", one batch of everything" : ""}`;
}

export function factor(value) {
  return String(Number(value.toPrecision(3)));
}
