// Marks of the classes, one shape a kind: they differ without their colours too.

const TURN = 2 * Math.PI;

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

/** Draw one mark with any 2D context; `kind` is a key of MARKS, `scale` 1 full size. */
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
