// Which way a sphere is looked at: so that two classes lie nearly in the picture's plane, and their angle is seen.

import { dot } from "./loss.js";

const EASE = 0.15; // of the way to the wanted view, a frame
const LEAST = 1e-6;
const TURNED = 0.2; // radians, so that classes behind one another are seen apart: angles in the picture are 2 % short

/** Rows are the screen's right, up and towards the viewer. */
export class Camera {
  basis = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  turned = turning(TURNED, 0); // by hand, after it

  /** Ease to where two vectors lie in the picture's plane, `up` between them. @param {number[]} a (3,) */
  follow(a, b, ease = EASE) {
    const [u, v] = [unit(a), unit(b)];
    if (!u || !v) return;
    const [right, up] = this.basis;
    const between = unit(u.map((x, i) => x + v[i])) ?? up;
    const across = unit(v.map((x, i) => x - u[i])) ?? right;
    const eased = unit(up.map((x, i) => x + ease * (between[i] - x))) ?? between;
    const wanted = right.map((x, i) => x + ease * (across[i] - x));
    const level = unit(wanted.map((x, i) => x - dot(wanted, 0, eased, 0) * eased[i]));
    if (level) this.basis = [level, eased, cross(level, eased)];
  }

  /** Turn by hand, in radians to the right and up. */
  turn(right, up) {
    this.turned = multiplied(turning(right, up), this.turned);
  }

  level() {
    this.turned = turning(TURNED, 0);
  }

  get rows() {
    return multiplied(this.turned, this.basis);
  }
}

/** @returns {?number[]} null where there is no direction */
function unit(vector) {
  const length = Math.hypot(...vector);
  return length > LEAST ? Array.from(vector, (x) => x / length) : null;
}

function cross([a, b, c], [x, y, z]) {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}

/** What takes the front of the sphere so far to the right and up. */
function turning(right, up) {
  const [c, s, d, t] = [Math.cos(right), Math.sin(right), Math.cos(up), Math.sin(up)];
  return multiplied([[1, 0, 0], [0, d, t], [0, -t, d]], [[c, 0, s], [0, 1, 0], [-s, 0, c]]);
}

function multiplied(a, b) {
  return a.map((row) => [0, 1, 2].map((column) => row.reduce((sum, x, i) => sum + x * b[i][column], 0)));
}
