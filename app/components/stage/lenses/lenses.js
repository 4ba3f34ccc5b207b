// The lenses, in the order of their keys: a lens is a module and a line here.

import { Angles } from "./angles.js";
import { Batch } from "./batch.js";
import { Curves } from "./curves.js";
import { Embedding } from "./embedding.js";
import { Formation } from "./formation.js";
import { Push } from "./push.js";

export const LENSES = [Formation, Curves, Push, Embedding, Angles, Batch];
export { ALL } from "./lens.js";
