// SPDX-License-Identifier: Apache-2.0
import type { Rewrite } from './rewrite.js';

export interface MiddleSettings {
  readonly rate: number;
  readonly suffixFirst: number;
  /** Before prefix, suffix and middle. */
  readonly marks: readonly [prefix: number, suffix: number, middle: number];
}

/**
 * Two cuts of a text, anywhere: PSM is ⟨pre⟩ prefix ⟨suf⟩ suffix ⟨mid⟩ middle, SPM ⟨pre⟩ ⟨suf⟩ suffix ⟨mid⟩ prefix middle
 * (the paper's joint form, section 4.1.1 and appendix D). Every token is learned.
 */
export const middleLast =
  ({ rate, suffixFirst, marks: [pre, suf, mid] }: MiddleSettings): Rewrite =>
  (ids, draw, room) => {
    const [rewrites, turns, ...places] = draw('middle', 4) as unknown as [number, number, number, number];
    const text = ids.slice(0, Math.max(0, room - 3));
    if (rewrites >= rate || text.length < 2) return null;
    const [from, to] = places.map((place) => Math.floor(place * (text.length + 1))).sort((a, b) => a - b) as [
      number,
      number,
    ];
    const [prefix, middle, suffix] = [text.slice(0, from), text.slice(from, to), text.slice(to)];
    const answer =
      turns < suffixFirst
        ? [pre, suf, ...suffix, mid, ...prefix, ...middle]
        : [pre, ...prefix, suf, ...suffix, mid, ...middle];
    return { prompt: [], answer };
  };
