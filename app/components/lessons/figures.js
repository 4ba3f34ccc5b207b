// The figures of lessons, by the names that a lesson calls them. One that waits for a guess is drawn without its answer.

import { h } from "../stage/core/dom.js";
import { filled } from "../stage/core/templates.js";
import { Counts } from "./figures/counts.js";
import { Dials } from "./figures/dials.js";
import { Lines } from "./figures/lines.js";
import { Pairs } from "./figures/pairs.js";
import { Play } from "./figures/play.js";
import { Pushes } from "./figures/pushes.js";
import { Shares } from "./figures/shares.js";
import { Sphere } from "./figures/sphere.js";
import { Strips } from "./figures/strips.js";

export const FIGURES = {
  counts: Counts,
  dials: Dials,
  lines: Lines,
  pairs: Pairs,
  play: Play,
  pushes: Pushes,
  shares: Shares,
  sphere: Sphere,
  strips: Strips,
};

/** Draw a figure; where a run that it needs is missing, say so and offer those of the shelf that are there. */
export function figureOf(host, figure, given) {
  const lacking = (figure.runs ?? []).filter((id) => !given.document.runs[id] || given.document.runs[id].lack);
  if (!lacking.length) return new FIGURES[figure.kind](host, figure, given);
  const { words, app, document } = given;
  const others = document.runs[lacking[0]]?.others ?? [];
  const offered = others.map((id) => (app === null ? id : h("a", { href: `${app}lab?runs=${id}` }, id)));
  const parts = offered.flatMap((link, i) => (i ? [", ", link] : [link]));
  host.append(h("p", { class: "lack", role: "alert" }, `${filled(words.lacks_run, { runs: lacking.join(", ") })} `, parts));
  return { pictures: [] };
}
