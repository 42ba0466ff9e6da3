// SPDX-License-Identifier: Apache-2.0
import { UnsupportedPart } from './json.js';
import type { Span } from './regex.js';

export type SplitBehavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

const behaviors: readonly SplitBehavior[] = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
];

/** The behaviour by its name in tokenizer.json, which is written in two ways. @throws UnsupportedPart */
export function behaviorOf(name: unknown, part: string): SplitBehavior {
  const plain = String(name).replaceAll('_', '').toLowerCase();
  const found = behaviors.find((behavior) => behavior.toLowerCase() === plain);
  if (found === undefined) throw new UnsupportedPart(part, `its behavior is ${String(name)}`);
  return found;
}

/** The pieces of a text whose matches are known; none is empty. */
export function cut(text: string, spans: readonly Span[], behavior: SplitBehavior): string[] {
  const pieces: string[] = [];
  for (const [start, end] of arrange(spans, behavior)) if (start < end) pieces.push(text.slice(start, end));
  return pieces;
}

function arrange(
  spans: readonly Span[],
  behavior: SplitBehavior,
): readonly (readonly [number, number, ...unknown[]])[] {
  switch (behavior) {
    case 'Isolated':
      return spans;
    case 'Removed':
      return spans.filter(([, , isMatch]) => !isMatch);
    case 'Contiguous':
      return joinEqual(spans);
    case 'MergedWithPrevious':
      return joinToNeighbour(spans);
    case 'MergedWithNext':
      return joinToNeighbour(spans.toReversed()).toReversed();
  }
}

function joinEqual(spans: readonly Span[]): [number, number][] {
  const joined: [number, number][] = [];
  let before = false;
  for (const [start, end, isMatch] of spans) {
    const last = joined.at(-1);
    if (last !== undefined && isMatch === before) last[1] = end;
    else joined.push([start, end]);
    before = isMatch;
  }
  return joined;
}

/** A match joins the piece that came before it in the given order, unless that was a match too. */
function joinToNeighbour(spans: readonly Span[]): [number, number][] {
  const joined: [number, number][] = [];
  let before = false;
  for (const [start, end, isMatch] of spans) {
    const last = joined.at(-1);
    if (last !== undefined && isMatch && !before) {
      last[0] = Math.min(last[0], start);
      last[1] = Math.max(last[1], end);
    } else joined.push([start, end]);
    before = isMatch;
  }
  return joined;
}
