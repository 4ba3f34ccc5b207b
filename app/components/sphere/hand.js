// Pointer and keys over a sphere: take hold of a point, turn the sphere, choose and let go.

import { pointedAt } from "../stage/plots/sheet.js";

const CLICK = 4; // pixels that a hand may tremble
const KEY_TURN = Math.PI / 24;

/**
 * Listens on a canvas and tells its owner: pointAt(x, y) gives what is there or null; hold(image, x, y, isFirst),
 * release(), turnBall(right, up) in pixels, choose(image or null), next(), level().
 */
export class Hand {
  drag = null;

  constructor(canvas, owner) {
    Object.assign(this, { canvas, owner });
    const on = (type, listener) => canvas.addEventListener(type, (event) => listener.call(this, event));
    on("pointerdown", this.press);
    on("pointermove", this.move);
    on("pointerup", this.release);
    on("pointercancel", this.release);
    on("keydown", this.key);
    // A finger that takes hold of a point moves it; elsewhere, up and down, it scrolls the page.
    canvas.addEventListener("touchstart", (event) => this.drag?.image != null && event.preventDefault(), { passive: false });
  }

  press(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const [x, y] = pointedAt(this.canvas, event);
    this.drag = { image: this.owner.pointAt(x, y), start: [x, y], last: [x, y], moved: false };
  }

  move(event) {
    const { drag, owner } = this;
    const [x, y] = pointedAt(this.canvas, event);
    if (!drag) {
      this.canvas.style.cursor = owner.pointAt(x, y) === null ? "grab" : "pointer";
      return;
    }
    const isFirst = !drag.moved;
    drag.moved ||= Math.hypot(x - drag.start[0], y - drag.start[1]) > CLICK;
    if (!drag.moved) return;
    if (drag.image === null) owner.turnBall(x - drag.last[0], drag.last[1] - y);
    else owner.hold(drag.image, x, y, isFirst);
    drag.last = [x, y];
  }

  release() {
    const { drag, owner } = this;
    this.drag = null;
    if (!drag) return;
    if (!drag.moved) owner.choose(drag.image);
    else if (drag.image !== null) owner.release();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { owner } = this;
    const [width, turn] = [this.canvas.clientWidth / 2, KEY_TURN];
    const act = {
      ArrowRight: () => owner.turnBall(turn * width, 0),
      ArrowLeft: () => owner.turnBall(-turn * width, 0),
      ArrowUp: () => owner.turnBall(0, turn * width),
      ArrowDown: () => owner.turnBall(0, -turn * width),
      c: () => owner.next(),
      0: () => owner.level(),
      Escape: () => owner.choose(null),
    }[event.key];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }
}
