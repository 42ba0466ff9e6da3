// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { globMatcher } from './glob.js';

describe('a glob', () => {
  it.each([
    ['/a/*.jsonl', '/a/b.jsonl', true],
    ['/a/*.jsonl', '/a/b/c.jsonl', false],
    ['/a/**/*.jsonl', '/a/c.jsonl', true],
    ['/a/**/*.jsonl', '/a/b/c/d.jsonl', true],
    ['/a/**/*.jsonl', '/ab/c.jsonl', false],
    ['/a/?.json', '/a/b.json', true],
    ['/a/?.json', '/a/bb.json', false],
    ['/a/?', '/a//', false],
    ['/a/{b,cd,}x', '/a/cdx', true],
    ['/a/{b,cd,}x', '/a/x', true],
    ['/a/{b,cd}x', '/a/bcdx', false],
    ['/a/{b{c,d},e}f', '/a/bdf', true],
    ['/a/{b{c,d},e}f', '/a/ef', true],
    ['/a/{b{c,d},e}f', '/a/bf', false],
    ['/a/a,b', '/a/a,b', true],
    ['/a/{*.json,**/*.csv}', '/a/b/c.csv', true],
    ['/a/(b+).[x]$', '/a/(b+).[x]$', true],
    ['/a/(b+).[x]$', '/a/bb.x', false],
    ['/a/🙂?.txt', '/a/🙂🙂.txt', true],
    ['/a', '/a/b', false],
    ['/a/b', '/a', false],
  ])('%s and %s: %s', (pattern, path, isMatch) => expect(globMatcher(pattern)(path)).toBe(isMatch));

  it.each([`/${'*a'.repeat(1000)}b`, `/${'**/'.repeat(1000)}x`, `/${'{a,a}'.repeat(700)}`, `/${'{'.repeat(4000)}`])(
    'of thousands of wildcards is followed in time that grows with its length: %.20s…',
    (pattern) => {
      const matches = globMatcher(pattern);
      expect(matches(`/${'a'.repeat(250)}/${'a/'.repeat(60)}c`)).toBe(false);
    },
  );
});
