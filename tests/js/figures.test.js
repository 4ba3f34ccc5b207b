import assert from "node:assert/strict";
import test from "node:test";

import {
  curveFigure,
  formationFigure,
  pushFigure,
  receivedFigure,
} from "../../app/components/stage/plots/figures.js";
import { epochAxis } from "../../app/components/stage/plots/epoch_line.js";
import { DASH, SPACE } from "../../app/components/stage/plots/dots.js";

const GROUPS = { head: "#000001", medium: "#000002", tail: "#000003" };
const COLOURS = { groups: GROUPS, neutral: "#858B96" };
const [FIRST, SECOND, THIRD] = [
  { label: "SCL", colour: "#8457C9", dash: "dash" },
  { label: "BCL", colour: "#1E6FD9", dash: "solid" },
  { label: "BCL, class anchors", colour: "#1E9160", dash: "longdash" },
];

const traceOf = ({ data }, role, place) => {
  return data.find(({ meta }) => meta.role === role && (place === undefined || meta.place === place));
};

function formation(predicted, isBounded = false) {
  return formationFigure(FIRST, [SECOND, THIRD], { regular: 96.38, predicted, rare: "tail", planned: 60, isBounded }, COLOURS);
}

test("the bold line is the run's own, and the runs beside have theirs", () => {
  const figure = formation({ tail: 80, batch: 64 });
  assert.deepEqual(traceOf(figure, "tail–tail").line, { color: FIRST.colour, width: 3.5, dash: FIRST.dash });
  assert.equal(figure.data.at(-1).meta.role, "tail–tail"); // on top
  [SECOND, THIRD].forEach(({ colour, dash, label }, place) => {
    const { line, hovertemplate } = traceOf(figure, "beside", place);
    assert.deepEqual([line.color, line.dash], [colour, dash]);
    assert.ok(hovertemplate.includes(label));
  });
  assert.deepEqual(Object.keys(GROUPS).map((group) => traceOf(figure, group).line.color)[0], GROUPS.head);
});

test("targets are named over the axes, and once where they are the same", () => {
  const words = (predicted) => {
    const [{ text, yref, y, yanchor }, ...others] = formation(predicted).layout.annotations;
    assert.deepEqual([yref, y, yanchor, others], ["y domain", 1, "bottom", []]); // where they cover no line
    return text;
  };
  assert.equal(words(null), "regular simplex 96.4°");
  const optimum = (tail, batch = 64) => ({ tail, batch });
  assert.equal(words(optimum(96.41)), "regular simplex and tail predicted 96.4°<br>for batches of 64");
  assert.equal(words(optimum(80)), "regular simplex 96.4°<br>tail predicted 80.0° for batches of 64");
  assert.equal(words(optimum(80, null)), "regular simplex 96.4°<br>tail predicted 80.0° for one batch of everything");
  const old = { ...optimum(73.5, null), tied: true }; // as an earlier release stored it
  assert.match(words(old), /tail predicted 73.5° for one batch of everything,<br>without free prototypes$/);
  assert.equal(traceOf(formation(null), "predicted"), undefined);
  assert.deepEqual(traceOf(formation(optimum(80)), "predicted").y, [80, 80]);
});

test("the regular simplex is dashed as in every other picture, and the predicted optimum is not", () => {
  const figure = formation({ tail: 80, batch: 64 });
  assert.equal(traceOf(figure, "simplex").line.dash, `${DASH}px,${SPACE}px`);
  assert.notEqual(traceOf(figure, "predicted").line.dash, traceOf(figure, "simplex").line.dash);
});

test("where no angle can be that wide, the regular simplex is said to be out of reach", () => {
  const words = formation(null, true).layout.annotations.map(({ text }) => text);
  assert.deepEqual(words, ["regular simplex 96.4°, out of reach"]);
});

test("a metric has a line and a band for each run", () => {
  const figure = curveFigure([FIRST, SECOND], 60);
  const roles = figure.data.map(({ meta }) => `${meta.role} ${meta.place}`);
  assert.deepEqual(roles, ["band 0", "line 0", "floor 0", "band 1", "line 1", "floor 1"]);
  assert.deepEqual(figure.layout.xaxis.range, [0, 60]);
});

test("push is drawn on two logarithmic axes whose ticks are named", () => {
  const { layout, data } = pushFigure(FIRST, COLOURS);
  for (const axis of [layout.xaxis, layout.yaxis]) {
    assert.equal(axis.type, "log");
    assert.equal(axis.tickvals.length, axis.ticktext.length);
  }
  assert.deepEqual(data.map(({ meta }) => meta.role), ["counts", "measured", "fit"]);
  assert.equal(layout.xaxis.ticktext.at(-1), "500,000");
  assert.equal(layout.yaxis.tickvals[layout.yaxis.ticktext.indexOf("1 %")], 0.01);
});

test("bars of what a class receives stand on each other, a colour a group", () => {
  const { layout, data } = receivedFigure(FIRST, COLOURS);
  assert.equal(layout.barmode, "relative");
  assert.deepEqual(data.map(({ meta, marker }) => [meta.role, marker.color]), [
    ["pull", COLOURS.neutral],
    ...Object.entries(GROUPS),
  ]);
});

test("every figure says what it shows, moves nothing by a drag, and has no colour of text or paper", () => {
  const figures = [formation({ tail: 80, batch: 64 }), curveFigure([FIRST], 1), pushFigure(FIRST, COLOURS), receivedFigure(FIRST, COLOURS)];
  for (const { layout } of figures) {
    assert.ok(layout.meta.description.length > 10);
    assert.equal(layout.dragmode, false);
    assert.ok(layout.xaxis.fixedrange && layout.yaxis.fixedrange);
    assert.doesNotMatch(JSON.stringify(layout), /color/);
  }
});

test("of few epochs each has its tick, and no half of one", () => {
  assert.deepEqual(epochAxis({ log: false }, 3).ticktext, ["0", "1", "2", "3"]);
  assert.equal(epochAxis({ log: false }, 60).tickvals, null);
});
