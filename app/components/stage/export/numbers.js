// A lens's numbers as rows for CSV; headers say units.

import { number } from "../core/dom.js";
import { deviation } from "../core/geometry.js";

const ANGLE = "angle (degrees)";
const DEGREES_DIGITS = 4; // the classes' means are 32-bit numbers
const SIGNIFICANT = 6;
const UNITS = { accuracy: "share from 0 to 1" };
const INT16_MAX = 32767;

/** Rows of the lens, all with the same keys; none where it shows nothing. */
export function rowsOf(stage, lens) {
  return ROWS[lens.key](stage, lens);
}

const ROWS = { formation, curves, push, embedding, angles };

/** Every pair over every epoch, or what is drawn of them where they are many. */
function formation(stage, { columns }) {
  const drawn = columns.filter(({ part }) => part);
  return drawn.flatMap(({ run, part }) => {
    const { names } = run.classes;
    const { epochs, angles } = part.tail();
    const row = (epoch, what, pair, angle) => ({
      run: run.told.label, epoch, what, class: pair[0], "other class": pair[1], [ANGLE]: degrees(angle),
    });
    const before = (i) => names.slice(0, i).map((other, j) => [other, names[i], i * names.length + j]);
    const pairs = part.many ? [] : names.flatMap((_, i) => before(i));
    return epochs.flatMap((epoch, i) => {
      const shares = part.many ? part.shares(epoch) : [];
      const between = run.curves.angles(epoch);
      return [
        row(epoch, "mean over the pairs within the tail", ["", ""], angles[i]),
        ...(between ? pairs.map(([a, b, at]) => row(epoch, "pair of classes", [a, b], between[at])) : []),
        ...shares.map((angle, share) => row(epoch, QUANTILES[share], ["", ""], angle)),
      ];
    });
  });
}

const QUANTILES = ["5 %", "25 %", "50 %", "75 %", "95 %"].map((share) => `${share} quantile over all pairs`);

function curves(stage, lens) {
  const { title, unit } = stage.told.metrics[stage.state.metric] ?? stage.told.metrics.angle_rms_deviation;
  const named = `${title} (${UNITS[unit] ?? unit})`;
  return stage.runs.flatMap((run) => {
    const { y } = lens.series(run, null).line;
    return run.curves.epochs.map((epoch, i) => ({ run: run.told.label, epoch, [named]: significant(y[i]) }));
  });
}

function push(stage, lens) {
  const inPairs = stage.state.quantity === "pair_push";
  const named = inPairs ? "pair push (share of all push)" : "mass (share of the anchor's push)";
  const shown = [...lens.drawn()].filter(({ snapshot }) => snapshot.get("pair_push"));
  return shown.flatMap(({ run, part, snapshot }) => {
    const { names, counts, countsAlone } = part;
    const [values, K] = [part.values(snapshot), names.length];
    return pairs(K, false).map(([row, column]) => ({
      run: run.told.label,
      epoch: snapshot.epoch,
      "class pushed": names[row],
      "its training images": counts[row],
      "class pushing": names[column],
      "training images of the one pushing": counts[column],
      [named]: significant(values[row * K + column]),
      "by the counts alone (same unit)": significant(countsAlone?.[row * K + column]),
    }));
  });
}

function embedding(stage, lens) {
  const { basis, dims } = lens;
  const shown = [...lens.drawn()].filter(({ part, snapshot }) => part.samples && snapshot.get("coordinates"));
  return shown.flatMap(({ run, part, snapshot }) => {
    const { labels, indices, split } = part.samples;
    const { names } = part.classes;
    const coordinates = snapshot.get("coordinates");
    const [predictions, confidences] = ["predictions", "confidences"].map((name) => snapshot.get(name));
    const along = (row, axis) => {
      let sum = 0;
      for (let k = 0; k < part.dims; k++) sum += basis[axis * dims + k] * coordinates[row * part.dims + k];
      return significant(sum / INT16_MAX);
    };
    return Array.from(part.rows(), (row) => ({
      run: run.told.label,
      epoch: snapshot.epoch,
      sample: row,
      index: indices[row],
      split: split[row] ? "train" : "test",
      class: names[labels[row]],
      predicted: predictions ? names[predictions[row]] : "",
      "confidence (0 to 1)": significant(confidences?.[row]),
      "right (1 is the unit sphere)": along(row, 0),
      "up (1 is the unit sphere)": along(row, 1),
      "towards the viewer (1 is the unit sphere)": along(row, 2),
    }));
  });
}

function angles(stage, lens) {
  const shown = [...lens.drawn()].filter(({ part, snapshot }) => part.map.values && snapshot.get(stage.state.of));
  return shown.flatMap(({ run, part, snapshot }) => {
    const { names } = run.classes;
    const measured = snapshot.angles(stage.state.of);
    const { diagonal } = part.map.values;
    const deviations = part.map.values.pairs ?? deviation(measured, part.target.pairs());
    const row = (what, i, j, angle, off) => ({
      run: run.told.label,
      epoch: snapshot.epoch,
      what,
      class: names[i],
      "other class": j === null ? "" : names[j],
      [ANGLE]: degrees(angle),
      "deviation (degrees)": degrees(off),
      "deviation from": off === null ? "" : part.name,
    });
    const between = ([i, j]) => {
      const at = i * names.length + j;
      return row(stage.state.of, i, j, measured[at], deviations[at]);
    };
    return [
      ...pairs(names.length, true).map(between),
      ...Array.from(diagonal, (angle, i) => row("within-class angle", i, null, angle, null)),
    ];
  });
}

function pairs(K, once) {
  const all = Array.from({ length: K * K }, (_, i) => [Math.floor(i / K), i % K]);
  return all.filter(([i, j]) => (once ? i < j : i !== j));
}

function degrees(value) {
  return Number.isFinite(value) ? number(value, DEGREES_DIGITS).replace("−", "-") : "";
}

function significant(value) {
  return Number.isFinite(value) ? Number(value.toPrecision(SIGNIFICANT)) : "";
}
