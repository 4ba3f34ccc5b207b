import assert from "node:assert/strict";
import test from "node:test";

import { advance, clock, FASTEST, KEYS, position, SLOWEST } from "../../app/components/stage/core/clock.js";
import { random } from "./fixtures.js";

const EPOCHS = [0, 1, 2, 3, 5, 10];

// The epoch that is shown; null between two, where pictures are tweened and nothing is data.
function reading(state) {
  const { epoch, fraction } = position(state);
  return fraction === 0 ? epoch : null;
}

function after(state, ...events) {
  return events.reduce(advance, state);
}

function tick(seconds) {
  return { type: "tick", seconds };
}

test("a clock starts at its last epoch, or at the kept one nearest to the one asked for", () => {
  assert.equal(reading(clock(EPOCHS)), 10);
  assert.equal(reading(clock(EPOCHS, { epoch: 3 })), 3);
  assert.equal(reading(clock(EPOCHS, { epoch: 6 })), 5);
  assert.equal(reading(clock(EPOCHS, { epoch: 99999 })), 10);
  assert.equal(reading(clock(EPOCHS, { epoch: 1, follow: true })), 10);
});

test("numbers are read at whole epochs and never between two", () => {
  const playing = after(clock(EPOCHS, { epoch: 3, speed: 1 }), { type: "play" });
  assert.equal(reading(playing), 3);
  const between = advance(playing, tick(0.25));
  assert.deepEqual(position(between), { epoch: 3, next: 5, fraction: 0.25 });
  assert.equal(reading(between), null);
  assert.deepEqual(position(advance(between, tick(0.75))), { epoch: 5, next: 5, fraction: 0 });
});

test("playing passes kept epochs at its speed, however long a frame takes, and stops at the last", () => {
  const start = after(clock(EPOCHS, { epoch: 0, speed: 2 }), { type: "play" });
  const [smooth, rough] = [after(start, ...new Array(64).fill(tick(1 / 64))), advance(start, tick(1))];
  assert.equal(reading(smooth), 2);
  assert.deepEqual(smooth, rough);
  const over = advance(start, tick(1000));
  assert.equal(reading(over), 10);
  assert.equal(over.playing, false);
  assert.deepEqual(advance(over, tick(1)), over);
});

test("playing from the last epoch starts again at the first", () => {
  const playing = advance(clock(EPOCHS), { type: "play" });
  assert.equal(reading(playing), 0);
  assert.ok(playing.playing);
});

test("a pause stands at the nearest whole epoch", () => {
  const start = after(clock(EPOCHS, { epoch: 0, speed: 1 }), { type: "play" });
  assert.equal(reading(after(start, tick(1.4), { type: "pause" })), 1);
  assert.equal(reading(after(start, tick(1.6), { type: "pause" })), 2);
  assert.equal(after(start, { type: "pause" }, tick(5)).at, 0);
});

test("space plays and pauses", () => {
  const start = clock(EPOCHS, { epoch: 0 });
  assert.ok(advance(start, KEYS[" "]).playing);
  assert.ok(!after(start, KEYS[" "], KEYS[" "]).playing);
});

test("keys step to whole epochs and stop the playing", () => {
  const between = after(clock(EPOCHS, { epoch: 2, speed: 1 }), { type: "play" }, tick(0.5));
  const reached = Object.entries(KEYS).filter(([key]) => key !== " ").map(([key, event]) => {
    const state = advance(between, event);
    assert.ok(!state.playing, key);
    return [key, reading(state)];
  });
  assert.deepEqual(Object.fromEntries(reached), {
    ArrowLeft: 2,
    ArrowDown: 2,
    ArrowRight: 3,
    ArrowUp: 3,
    PageDown: 10,
    PageUp: 0,
    Home: 0,
    End: 10,
  });
  assert.equal(reading(after(clock(EPOCHS, { epoch: 5 }), KEYS.ArrowRight)), 10);
  assert.equal(reading(after(clock(EPOCHS, { epoch: 5 }), KEYS.ArrowLeft)), 3);
  assert.equal(reading(after(clock(EPOCHS), KEYS.ArrowRight)), 10);
});

test("a clicker begins again after the last epoch", () => {
  assert.equal(reading(after(clock(EPOCHS), KEYS.PageDown)), EPOCHS[0]);
  assert.equal(reading(after(clock(EPOCHS, { epoch: 0 }), KEYS.PageUp)), EPOCHS[0]);
});

test("dragging the slider stands at the kept epoch nearest to it", () => {
  const state = after(clock(EPOCHS), { type: "play" }, { type: "seek", epoch: 4.4 });
  assert.equal(reading(state), 5);
  assert.ok(!state.playing);
});

test("speed stays within its limits and does not move the clock", () => {
  const playing = after(clock(EPOCHS, { epoch: 0, speed: 1 }), { type: "play" }, tick(0.5));
  assert.deepEqual(advance(playing, { type: "speed", speed: 20 }), { ...playing, speed: 20 });
  assert.equal(advance(playing, { type: "speed", speed: 1e9 }).speed, FASTEST);
  assert.equal(clock(EPOCHS, { speed: 0 }).speed, SLOWEST);
});

test("a live run's epochs append without a jump, playing or not", () => {
  const playing = after(clock(EPOCHS, { epoch: 3, speed: 1 }), { type: "play" }, tick(0.25));
  const grown = advance(playing, { type: "epochs", epochs: [...EPOCHS, 11, 12] });
  assert.deepEqual(position(grown), position(playing));
  assert.ok(grown.playing);
  const standing = advance(clock(EPOCHS), { type: "epochs", epochs: [...EPOCHS, 11] });
  assert.equal(reading(standing), 10);
  assert.equal(reading(after(standing, tick(10))), 10);
});

test("another run's epochs keep the epoch shown where they can", () => {
  const standing = clock(EPOCHS, { epoch: 5 });
  assert.equal(reading(advance(standing, { type: "epochs", epochs: [0, 5] })), 5);
  assert.equal(reading(advance(standing, { type: "epochs", epochs: [0, 4, 9] })), 4);
  const between = after(clock(EPOCHS, { epoch: 3, speed: 1 }), { type: "play" }, tick(0.25));
  assert.equal(reading(advance(between, { type: "epochs", epochs: [0, 3, 4, 5] })), 3);
  assert.equal(reading(advance(between, { type: "epochs", epochs: [0, 4, 5] })), 4);
});

test("following glides to the newest epoch and is never more than one behind", () => {
  const following = advance(clock(EPOCHS, { epoch: 0, speed: 1 }), { type: "follow", follow: true });
  assert.equal(reading(following), 10);
  const grown = advance(following, { type: "epochs", epochs: [...EPOCHS, 11] });
  assert.equal(reading(grown), 10);
  assert.deepEqual(position(advance(grown, tick(0.5))), { epoch: 10, next: 11, fraction: 0.5 });
  assert.equal(reading(after(grown, tick(0.5), tick(0.6))), 11);
  const leapt = advance(grown, { type: "epochs", epochs: [...EPOCHS, 11, 12, 13] });
  assert.equal(reading(leapt), 12);
  const left = after(grown, tick(0.7), { type: "follow", follow: false });
  assert.equal(reading(left), 11);
  assert.ok(!left.follow);
});

test("whoever takes the clock in hand ends following; a new speed does not", () => {
  const following = advance(clock(EPOCHS), { type: "follow", follow: true });
  for (const type of ["play", "pause", "toggle", "home", "end"]) assert.ok(!advance(following, { type }).follow, type);
  assert.ok(!advance(following, { type: "step", by: -1 }).follow);
  assert.ok(!advance(following, { type: "seek", epoch: 2 }).follow);
  assert.ok(advance(following, { type: "speed", speed: 2 }).follow);
  assert.ok(advance(following, tick(1)).follow);
});

test("a clock without epochs shows none and survives every event; the first epochs are then shown", () => {
  const empty = clock([], { epoch: 3 });
  assert.deepEqual(position(empty), { epoch: null, next: null, fraction: 0 });
  for (const event of [...Object.values(KEYS), tick(1), { type: "seek", epoch: 4 }, { type: "play" }]) {
    assert.equal(reading(after(empty, event, tick(1))), null);
  }
  assert.equal(reading(advance(empty, { type: "epochs", epochs: EPOCHS })), 10);
  const one = clock([7]);
  assert.equal(reading(after(one, { type: "play" }, tick(1))), 7);
  assert.ok(!advance(one, { type: "play" }).playing);
});

test("no order of events leaves the list, and no event changes the clock that it is given", () => {
  const draw = random(3);
  const any = (items) => items[Math.floor(items.length * draw())];
  let state = clock(EPOCHS);
  for (let i = 0; i < 5000; i++) {
    const events = [
      ...Object.values(KEYS),
      tick(2 * draw()),
      tick(0.1 * draw()),
      { type: "seek", epoch: 20 * draw() - 5 },
      { type: "follow", follow: draw() < 0.5 },
      { type: "speed", speed: 100 * draw() },
      { type: "epochs", epochs: EPOCHS.slice(0, Math.floor(7 * draw())) },
    ];
    const before = structuredClone(state);
    const next = advance(state, any(events));
    assert.deepEqual(state, before);
    assert.ok(next.at >= 0 && next.at <= Math.max(0, next.epochs.length - 1), JSON.stringify(next));
    assert.ok(Number.isInteger(next.at) || next.playing || next.follow, "between two epochs, and standing");
    state = next;
  }
});
