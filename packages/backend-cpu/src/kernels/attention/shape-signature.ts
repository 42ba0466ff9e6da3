// SPDX-License-Identifier: Apache-2.0
import { flag, floats, integer, integers, optional, scalar, size } from '../signature.js';

/** What attention and its gradient share; a span is seven integers, as spans.h has them. */
export const attentionShape = {
  spanCount: size,
  queries: size,
  keys: size,
  heads: size,
  groups: size,
  size,
  scale: scalar,
  window: size,
  /** 0: none. */
  softCap: scalar,
  rounds: flag,
  spans: integers('7 * span_count'),
  /** The bias has this many entries a head; by distance, entry `zero` is that of a query's own key. */
  entries: size,
  byDistance: flag,
  zero: integer,
  bias: optional(floats('heads * entries')),
};
