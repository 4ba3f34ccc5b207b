// Names written next to what they name: none over another, and none hopping while the picture turns.

const GAP = 12; // pixels from the middle of a mark to its name
const CLEAR = 6; // pixels around the middle of a mark that no name covers
const APART = 4; // pixels between two names on one line
const HEIGHT = 15;
const EIGHTH = Math.PI / 4;
const NOWHERE = -1;

export class Labels {
  texts = [];

  /** @param {(?string)[]} texts one a mark; null for marks without a name */
  set(texts) {
    this.texts = texts;
    this.sides = new Int8Array(texts.length).fill(NOWHERE); // eighths of a turn, from the right, clockwise
    this.boxes = new Float32Array(4 * texts.length); // left, top, right, bottom
    this.font = "";
  }

  /**
   * Choose a side for every name that finds room, the first name first: where it stood before, else away from the
   * picture's middle, else around the mark; if there is none that leaves the other marks free, one that covers them.
   *
   * @param {Float32Array} marks (n, 2) pixels, never covered; NaN for none @param {Float32Array[]} others each (m, 2)
   */
  arrange(context, marks, others, { width, height }) {
    if (this.font !== context.font) {
      this.font = context.font;
      this.widths = Float32Array.from(this.texts, (text) => (text === null ? 0 : context.measureText(text).width));
    }
    for (let i = 0; i < this.texts.length; i++) {
      const before = this.sides[i];
      this.sides[i] = NOWHERE;
      if (this.texts[i] === null || Number.isNaN(marks[2 * i])) continue;
      const outwards = Math.atan2(marks[2 * i + 1] - height / 2, marks[2 * i] - width / 2);
      const first = before === NOWHERE ? Math.round(outwards / EIGHTH) : before;
      for (let turn = 0; turn < 16 && this.sides[i] === NOWHERE; turn++) {
        // Nearest sides first, 0, +1, −1, +2, … eighths away; the second time round over other marks.
        const side = (first + (turn % 2 ? (turn + 1) / 2 : -turn / 2) + 16) % 8;
        this.place(i, side, marks);
        const free = turn >= 8 || !others.some((screen) => this.covers(i, screen));
        if (free && this.fits(i, marks, width, height)) this.sides[i] = side;
      }
    }
  }

  write(write) {
    for (let i = 0; i < this.texts.length; i++) {
      const [left, top] = [this.boxes[4 * i], this.boxes[4 * i + 1]];
      if (this.sides[i] !== NOWHERE) write(this.texts[i], left, top, this.widths[i], HEIGHT);
    }
  }

  place(i, side, marks) {
    const right = Math.cos(side * EIGHTH);
    const down = Math.sin(side * EIGHTH);
    const [width, { boxes }] = [this.widths[i], this];
    boxes[4 * i] = marks[2 * i] + GAP * right + (width * (right - 1)) / 2;
    boxes[4 * i + 1] = marks[2 * i + 1] + GAP * down + (HEIGHT * (down - 1)) / 2;
    boxes[4 * i + 2] = boxes[4 * i] + width;
    boxes[4 * i + 3] = boxes[4 * i + 1] + HEIGHT;
  }

  fits(i, marks, width, height) {
    const { boxes, sides } = this;
    const [left, top, right, bottom] = [boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]];
    if (left < 0 || top < 0 || right > width || bottom > height || this.covers(i, marks)) return false;
    for (let j = 0; j < i; j++) {
      if (sides[j] === NOWHERE || left > boxes[4 * j + 2] + APART || right < boxes[4 * j] - APART) continue;
      if (top < boxes[4 * j + 3] && bottom > boxes[4 * j + 1]) return false;
    }
    return true;
  }

  covers(i, screen) {
    const { boxes } = this;
    const [left, top, right, bottom] = [boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]];
    for (let j = 0; j < screen.length; j += 2) {
      const [x, y] = [screen[j], screen[j + 1]];
      if (x > left - CLEAR && x < right + CLEAR && y > top - CLEAR && y < bottom + CLEAR) return true;
    }
    return false;
  }
}
