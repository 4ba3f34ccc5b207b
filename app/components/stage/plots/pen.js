// What several pictures do with a 2D context.

/** The cleared 2D context of a canvas that shows `width` × `height` CSS pixels, in these, as sharp as the screen. */
export function sharpContext(canvas, width, height) {
  const ratio = devicePixelRatio * (canvas.currentCSSZoom ?? 1);
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  // Drawn by the processor: without a graphics card, that alone more than doubles the frames a second in playing.
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export function circle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

export function stroke(context, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}
