// SPDX-License-Identifier: Apache-2.0
import { flag, integers, scalar, size } from '../signature.js';

/** What attention and its gradient share; a span is six integers, as spans.h has them. */
export const attentionShape = {
  spanCount: size,
  queries: size,
  keys: size,
  heads: size,
  groups: size,
  size,
  scale: scalar,
  causal: flag,
  window: size,
  rounds: flag,
  spans: integers('6 * span_count'),
};
