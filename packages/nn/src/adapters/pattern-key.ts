// SPDX-License-Identifier: Apache-2.0
/** Keys of PEFT's rank_pattern and alpha_pattern: expressions of Python's `re`, which come with an adapter from anywhere. */
import { repeatsRepetition } from '@llmf/core';

const longest = 1_000;
/** Parts that repeat without bound: each may try every place of a path. */
const mostRepeats = 6;
/** Escapes of Python's `re` that mean the same in JavaScript, and all signs that are no letters. */
const plainEscape = /^\\[bBdDsSwWfnrtvxu\d\W_]$/;

/**
 * The end of a path that a key means (get_pattern_key, peft 0.21).
 * @throws Error where Python would not read the key, or matching could take exponential time
 */
export function patternOfKey(key: string): RegExp {
  if (key.length > longest) throw new Error(`${key.length} characters, at most ${longest} are read`);
  const source = key.replaceAll(/\\[\s\S]|\(\?P<|\(\?P=(\w+)\)|\{,(\d+)\}/g, (part, name?: string, most?: string) => {
    if (part === '\\A') return '^';
    if (part === '\\Z') return '$';
    if (part === '(?P<') return '(?<';
    if (name !== undefined) return `\\k<${name}>`;
    if (most !== undefined) return `{0,${most}}`;
    if (part.startsWith('\\') && !plainEscape.test(part)) throw new Error(`${part} is no escape of Python's`);
    return part;
  });
  checkTime(source);
  return new RegExp(`^(.*\\.)?(${source})$`);
}

/** @throws Error */
function checkTime(source: string): void {
  if (repeatsRepetition(source, { countsChoices: true }))
    throw new Error('a group that repeats holds a part that does, or a choice, which takes exponential time');
  const repeats = source.replaceAll(/\\[\s\S]|\[\^?\]?[^\]]*\]/g, 'x').match(/[*+]|\{\d+,\}/g)?.length ?? 0;
  if (repeats > mostRepeats) throw new Error(`${repeats} parts repeat without bound, at most ${mostRepeats} are read`);
}
