// The picture plane: D-dimensional coordinates, halfway between two epochs, to pixels.

export const INT16_MAX = 32767; // coordinates are stored in steps of 1/32767
const MAX_DIMS = 12;
const REACH = 1.04; // the unit ball and a margin for labels fill the smaller side

/** Bits of a sample's style. The first two are the caller's; the selection sets the others. */
export const RING = 1;
export const LARGE = 2;
export const SELECTED = 4;
export const DIMMED = 8;

/** Which way we look: rows of `basis` are the screen's right, up and towards the viewer. */
export class View {
  basis = new Float32Array(3 * MAX_DIMS);
  zoom = 1;
  width = 0;
  height = 0;
  flat = false;

  /** @param {Float64Array} basis (3, D) row-major, orthonormal rows @param {number} dims of the points, D at most */
  setBasis(basis, dims) {
    this.basis.fill(0);
    for (let row = 0; row < 3; row++) {
      const start = (row * basis.length) / 3;
      this.basis.set(basis.subarray(start, start + dims), row * MAX_DIMS);
    }
  }

  /** Pixels from the centre to the unit sphere's outline. */
  get radius() {
    return (this.zoom * Math.min(this.width, this.height)) / (2 * REACH);
  }

  /** Radius of a sample's disc in pixels: smaller where there are many. */
  dotRadius(count) {
    const room = Math.sqrt((this.width * this.height) / Math.max(count, 1));
    return Math.min(3.4, Math.max(1.6, 0.2 * room)) * this.zoom ** 0.4;
  }
}

/** Points in D dimensions at two epochs, and where they are on the screen. */
export class Cloud {
  count = 0;
  screen = new Float32Array(0); // (n, 2) pixels from the top left
  depth = new Float32Array(0); // (n,) −1 far … 1 near; 0 in a flat view

  /** @param {number} quantum length of one step of the coordinates: 1, or 1/32767 for int16 */
  constructor(quantum = 1) {
    this.quantum = quantum;
  }

  /**
   * @param {?(Int16Array | Float32Array)} a (N, D) at the epoch @param {?(Int16Array | Float32Array)} b at the next one
   * @param {?Uint32Array} rows (n,) which of the N, or all
   */
  set(a, b, dims, rows = null) {
    Object.assign(this, { a, b: b ?? a, dims, rows });
    const count = a ? (rows?.length ?? a.length / dims) : 0;
    if (count === this.count) return;
    this.count = count;
    this.screen = new Float32Array(2 * count);
    this.depth = new Float32Array(count);
  }

  at(i) {
    return { x: this.screen[2 * i], y: this.screen[2 * i + 1] };
  }

  /** Rows that are not finite land on NaN and are drawn by nobody. */
  place(view, fraction) {
    const { a, rows, dims, screen, depth } = this;
    const b = fraction > 0 ? this.b : a; // 0 × NaN would take a class that only the next epoch lacks
    const { basis } = view;
    const scale = view.radius * this.quantum;
    const near = view.flat ? 0 : this.quantum;
    for (let i = 0; i < this.count; i++) {
      const start = (rows ? rows[i] : i) * dims;
      let x = 0;
      let y = 0;
      let z = 0;
      for (let k = 0; k < dims; k++) {
        const here = a[start + k];
        const value = here + fraction * (b[start + k] - here);
        x += basis[k] * value;
        y += basis[MAX_DIMS + k] * value;
        z += basis[2 * MAX_DIMS + k] * value;
      }
      screen[2 * i] = view.width / 2 + scale * x;
      screen[2 * i + 1] = view.height / 2 - scale * y;
      depth[i] = near * z;
    }
  }
}
