// SPDX-License-Identifier: Apache-2.0
import { expect } from 'vitest';
import { succeeded, type Finished } from './command.js';

/** Lines of `llmf check` above the lengths that state a fact; whatever else stands there is something to say. */
const facts = [
  /^[\w.]+: /,
  /^batch \d+ × \d+/,
  /^computes on /,
  /^[\d,]+ weights, [\d,.]+ \w+ as this run keeps them/,
  /^training [\d,]+ of [\d,]+ weights/,
  /: their chosen answers are learned\.$/,
  /: columns that are not read: /,
  /^$/,
];

/** `llmf check` that has nothing to say: no warning, no row dropped or cut. */
export function expectSilentCheck(done: Finished): void {
  const out = succeeded(done);
  const [head = '', ...splits] = out.split(/^(?:train|eval)$/m);
  expect(head.split('\n').filter((line) => facts.every((fact) => !fact.test(line)))).toEqual([]);
  expect(done.err).toBe('');
  expect(splits.length).toBeGreaterThan(0);
  for (const split of splits) expect(split).toContain('\ndropped 0, truncated 0\n');
}

/** A command, or a script of several, that ended well and warned of nothing, or of `besides`. Gives its output. */
export function withoutWarning(done: Finished, besides?: RegExp): string {
  const out = succeeded(done);
  const warnings = `${done.err}\n${out}`.split('\n').filter((line) => /^\W*warning\b/i.test(line));
  expect(warnings.filter((line) => besides?.test(line) !== true)).toEqual([]);
  return out;
}
