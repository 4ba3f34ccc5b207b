// Marks of the classes, one shape a kind: they differ without their colours too.

const TURN = 2 * Math.PI;
const COLUMNS = 32; // of stamps on a sheet
const FINE = 2; // a stamp's pixels per device pixel, since marks stand between pixels too

const circle = (path, size) => path.arc(0, 0, size, 0, TURN);
const polygon = (...corners) => (path, size) => {
  corners.forEach(([x, y], i) => path[i ? "lineTo" : "moveTo"](size * x, size * y));
  path.closePath();
};
const cross = (path, size) => {
  path.moveTo(-size, -size);
  path.lineTo(size, size);
  path.moveTo(size, -size);
  path.lineTo(-size, size);
};

/** The outline of each kind, its radius in pixels, and whether it is filled. */
export const MARKS = {
  means: { outline: circle, size: 5.5, filled: true },
  prototypes: { outline: polygon([0, -1], [1, 0], [0, 1], [-1, 0]), size: 6.5, filled: true },
  classifier: { outline: polygon([0, -1], [0.95, 0.65], [-0.95, 0.65]), size: 6.5, filled: true },
  simplex: { outline: circle, size: 5.5, filled: false },
  predicted: { outline: cross, size: 4.5, filled: false },
};
const ROOM = 9.5; // pixels from the middle of a mark to the edge of its stamp

/** Draw one mark with any 2D context, for a legend or a vector format; `kind` is a key of MARKS, `scale` 1 full size. */
export function drawMark(context, kind, x, y, colour, theme, scale = 1) {
  const { outline, size, filled } = MARKS[kind];
  const stroke = (width, style) => Object.assign(context, { lineWidth: width, strokeStyle: style }).stroke();
  context.save();
  context.translate(x, y);
  context.beginPath();
  outline(context, scale * size);
  context.lineJoin = "round";
  context.lineCap = "round";
  context.fillStyle = colour;
  stroke(filled ? 3.5 : 4.5, theme.paper);
  if (filled) context.fill();
  stroke(filled ? 1 : 1.75, filled ? theme.text : colour);
  context.restore();
}

/** Marks drawn once each, on a sheet, and copied from there: a hundred paths a frame would take too long. */
export class Stamps {
  sheets = {};

  /** Forget the sheets where the theme, the screen or the colours are not those they were drawn with. */
  prepare(theme, ratio, colours) {
    if (theme === this.theme && ratio === this.ratio && colours === this.colours) return;
    Object.assign(this, { theme, ratio, colours, sheets: {}, pixels: Math.ceil(2 * ROOM * FINE * ratio) });
  }

  /** Draw the mark of class `k`. */
  draw(context, kind, k, x, y, scale) {
    const sheet = (this.sheets[kind] ??= this.sheetOf(kind, scale));
    const { pixels } = this;
    const [left, top] = [(k % COLUMNS) * pixels, Math.floor(k / COLUMNS) * pixels];
    const size = pixels / (FINE * this.ratio);
    context.drawImage(sheet, left, top, pixels, pixels, x - size / 2, y - size / 2, size, size);
  }

  sheetOf(kind, scale) {
    const { colours, pixels, ratio, theme } = this;
    const rows = Math.ceil(colours.length / COLUMNS);
    const sheet = new OffscreenCanvas(Math.min(colours.length, COLUMNS) * pixels, rows * pixels);
    const context = sheet.getContext("2d");
    context.scale(FINE * ratio, FINE * ratio);
    const step = pixels / (FINE * ratio);
    colours.forEach((colour, k) => {
      const [x, y] = [((k % COLUMNS) + 0.5) * step, (Math.floor(k / COLUMNS) + 0.5) * step];
      drawMark(context, kind, x, y, colour, theme, scale);
    });
    return sheet;
  }
}
