// SPDX-License-Identifier: Apache-2.0
import type { Tokenizer } from '@llmf/data';
import { describe, expect, it } from 'vitest';
import { TextStream, upToStop } from './text-stream.js';

/** Each id is a character. */
const tokenizer = {
  decode: (ids: readonly number[]) => String.fromCodePoint(...ids),
} as unknown as Tokenizer;

function written(text: string, stops: readonly string[]) {
  const pieces: string[] = [];
  const stream = new TextStream(tokenizer, (piece) => pieces.push(piece), stops);
  for (const character of text) stream.push(character.codePointAt(0)!);
  const before = pieces.join('');
  stream.end();
  return { before, after: pieces.join(''), text: stream.text() };
}

describe('a stream of text', () => {
  it('writes all that came', () => {
    expect(written('hello', [])).toEqual({ before: 'hello', after: 'hello', text: 'hello' });
  });

  it('ends before a stop string, none of which is written', () => {
    expect(written('one##two', ['##'])).toEqual({ before: 'one', after: 'one', text: 'one' });
    expect(written('abcabd', ['abd', 'zz'])).toEqual({ before: 'abc', after: 'abc', text: 'abc' });
  });

  it('writes at the end what might have become one', () => {
    expect(written('one#', ['##'])).toEqual({ before: 'one', after: 'one#', text: 'one#' });
  });
});

it('the first of several stop strings counts', () => expect(upToStop('a b c', [' c', ' b'])).toBe('a'));
