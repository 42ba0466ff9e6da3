// SPDX-License-Identifier: Apache-2.0
import type { Rewrite } from './rewrite.js';

/** Cut at a place that is drawn from all between two tokens. */
export const prefixAndRest: Rewrite = (ids, draw) => {
  if (ids.length < 2) return null;
  const at = 1 + Math.floor(draw('cut', 1)[0]! * (ids.length - 1));
  return { prompt: ids.slice(0, at), answer: ids.slice(at) };
};
