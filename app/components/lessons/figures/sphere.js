// The sphere lab in a prepared state.

import { h } from "../../stage/core/dom.js";
import { OPENS } from "../../sphere/address.js";
import { TwoSpheres } from "../../sphere/sphere.js";

export class Sphere {
  constructor(host, figure, { document, prefix, words, isRevealed }) {
    const inner = h("div", { class: `bcl-sphere ${figure.losses.length === 1 ? "alone" : "beside"}` });
    host.append(inner);
    const told = { ...document.sphere, prefix, words };
    this.sphere = new TwoSpheres(inner, told, { ...OPENS, ...figure, isSecret: !isRevealed });
  }

  reveal() {
    this.sphere.reveal();
  }

  get pictures() {
    return this.sphere.pictures;
  }

  remove() {
    this.sphere.remove();
  }
}
