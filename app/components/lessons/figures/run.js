// A run of the shelf as lessons have it, in the shape that the stage's pictures know.

import { simplexAngle } from "../../stage/core/geometry.js";

export function classesOf({ names, counts }) {
  return { names, counts, regular: simplexAngle(names.length) };
}

/** Angles over the epochs. @param {Object} told see `_run` of app/lessons @returns {{means: Map, angles: Function}} */
export function curvesOf({ epochs, angles, names: { length: K } }) {
  const means = new Map(epochs.map((epoch, i) => [epoch, angles[i]]));
  const whole = (pairs) => {
    const found = new Float32Array(K * K);
    let place = 0;
    for (let row = 0; row < K; row++) {
      for (let column = 0; column < row; column++, place++) {
        const degrees = pairs[place] < 0 ? NaN : pairs[place] / 10;
        found[row * K + column] = found[column * K + row] = degrees;
      }
    }
    return found;
  };
  return { means, angles: (epoch) => whole(means.get(epoch)) };
}
