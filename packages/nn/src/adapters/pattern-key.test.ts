// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { patternOfKey } from './pattern-key.js';

const path = 'model.layers.10.self_attn.q_proj';

/** What Python's re.match(rf"(.*\.)?({key})$", path) says of the key. */
const cases: readonly (readonly [key: string, matches: boolean])[] = [
  ['q_proj', true],
  ['_proj', false],
  ['self_attn.q_proj', true],
  ['^model.*q_proj', true],
  ['^layers.*', false],
  ['layers\\.1\\..*', false],
  ['layers\\.(?:1|10)\\..*', true],
  ['(?P<block>layers)\\.\\d{,2}\\.self_attn\\.q_proj', true],
  ['q_proj\\Z', true],
  ['\\Amodel.*q_proj', true],
  ['.*(q|v)_proj', true],
  ['(?P<a>l)ayers\\.1(?P=a)*0.*', true],
  ['q_pro', false],
  ['(?!.*v_proj).*proj', true],
];

describe('a key of rank_pattern or alpha_pattern', () => {
  it.each(cases)('%s', (key, matches) => expect(patternOfKey(key).test(path)).toBe(matches));

  it.each([
    ['q_proj\\q', 'no escape of Python'],
    ['\\p{L}+', 'no escape of Python'],
    ['(q_proj', 'nterminated group'],
    ['(.+)+q', 'exponential'],
    ['(.|[a-z])*q', 'exponential'],
    ['(?:.*){40}q', 'exponential'],
    ['.*.*.*.*.*.*.*q', '7 parts repeat'],
    ['q'.repeat(1001), '1001 characters'],
  ])('%s is refused', (key, text) => expect(() => patternOfKey(key)).toThrow(text));
});
